/** The stored state of an account. Times are milliseconds since 1970. */
export interface State {
  accountId: string
  users: Map<string, UserRecord>
  roles: Map<string, RoleRecord>
  /** By access key id. */
  sessions: Map<string, SessionRecord>
  /** By region name. */
  regions: Map<string, RegionState>
}

export interface RegionState {
  name: string
  /** By key id. */
  keys: Map<string, KeyRecord>
  /** By name, `alias/` included. */
  aliases: Map<string, AliasRecord>
  parameters: Map<string, ParameterRecord>
  secrets: Map<string, SecretRecord>
}

export type KeySpec = 'SYMMETRIC_DEFAULT' | 'RSA_2048' | 'RSA_3072' | 'RSA_4096'

export interface KeyRecord {
  keyId: string
  createdAt: number
  description: string
  spec: KeySpec
  manager: 'CUSTOMER' | 'AWS'
  state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingReplicaDeletion'
  deletionDate?: number
  pendingWindowInDays?: number
  /** The key policy as PutKeyPolicy received it. */
  policy: string
  tags: Tag[]
  /** Oldest first. The last one encrypts, all decrypt. */
  materials: KeyMaterial[]
  rotation?: { periodInDays: number; nextAt: number }
  onDemandRotations: number
  multiRegion?: { type: 'PRIMARY' | 'REPLICA'; primaryRegion: string }
  grants?: GrantRecord[]
}

export interface GrantRecord {
  grantId: string
  createdAt: number
  /** The ARN of a user, a role or a role's session. */
  granteePrincipal: string
  retiringPrincipal?: string
  operations: string[]
  encryptionContextEquals?: Record<string, string>
  encryptionContextSubset?: Record<string, string>
  name?: string
  /** Grants of older state files have none. */
  token?: string
}

export interface Tag {
  TagKey: string
  TagValue: string
}

export interface KeyMaterial {
  /** 64 hexadecimal characters, like KMS's key material ids. */
  id: string
  createdAt: number
  /** Base64: 32 bytes for AES-256, PKCS#8 DER for RSA. */
  secret: string
  rotation?: 'AUTOMATIC' | 'ON_DEMAND'
}

export interface AliasRecord {
  name: string
  targetKeyId: string
  createdAt: number
  updatedAt: number
}

export interface ParameterRecord {
  name: string
  versions: ParameterVersion[]
}

export interface ParameterVersion {
  version: number
  type: 'String' | 'StringList' | 'SecureString'
  tier: 'Standard' | 'Advanced'
  dataType: string
  description?: string
  /** For a SecureString: the ciphertext in base64. */
  value: string
  keyId?: string
  /** A label belongs to at most one version of a parameter. */
  labels?: string[]
  modifiedAt: number
  modifiedBy: string
}

export interface SecretRecord {
  name: string
  arn: string
  description?: string
  kmsKeyId?: string
  createdAt: number
  changedAt: number
  /** Midnight (UTC) of the day on which the value was last read. */
  accessedAt?: number
  deletionDate?: number
  tags: { Key: string; Value: string }[]
  versions: SecretVersion[]
}

export interface SecretVersion {
  versionId: string
  stages: string[]
  kind: 'string' | 'binary'
  createdAt: number
  accessedAt?: number
  /** The data key, encrypted by KMS, in base64. */
  dataKey: string
  ciphertext: string
}

export interface AccessKey {
  accessKeyId: string
  secretAccessKey: string
}

export interface UserRecord {
  name: string
  userId: string
  accessKeys: AccessKey[]
  /** JSON of IAM policy documents. */
  policies: string[]
  /** Base32 secret of a virtual MFA device. */
  mfaSecret?: string
}

export interface RoleRecord {
  name: string
  roleId: string
  trustPolicy: string
  /** Inline policies. */
  policies: string[]
  attachedPolicies?: ManagedPolicy[]
  permissionsBoundary?: ManagedPolicy
}

/** A managed policy of IAM. */
export interface ManagedPolicy {
  arn: string
  name: string
  document: string
}

export interface SessionRecord extends AccessKey {
  sessionToken: string
  issuedAt: number
  expiresAt: number
  mfaPresent: boolean
  /** The user (GetSessionToken) or role (AssumeRole) of the session. */
  of: { kind: 'user'; name: string } | { kind: 'role'; name: string; sessionName: string }
  sessionPolicy?: string
}

export function emptyState(accountId: string): State {
  return {
    accountId,
    users: new Map(),
    roles: new Map(),
    sessions: new Map(),
    regions: new Map(),
  }
}

export function emptyRegion(name: string): RegionState {
  return { name, keys: new Map(), aliases: new Map(), parameters: new Map(), secrets: new Map() }
}
