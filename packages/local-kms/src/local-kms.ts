import type { Credentials, Role, RoleToCreate, User } from './auth/principals.js'
import type { Network } from './account/network.js'
import type { GrantToCreate } from './account/grant.js'
import type {
  Code,
  FunctionAlias,
  FunctionToCreate,
  LayerToPublish,
} from './account/lambda-function.js'
import type { PolicyDocument } from './policy/parse-policy.js'
import type { Faults } from './server/faults.js'
import type { JournalEntry } from './protocol/journal.js'
import type { OidcProvider } from './account/oidc-provider.js'

export interface LocalKmsOptions {
  /** Folder to keep keys and principals in; absent, they live in memory. */
  dir?: string
  /** Default 0: any free port. */
  port?: number
  /** Default 127.0.0.1. Listening elsewhere shows the endpoint to the network. */
  host?: string
  /** The region of `env` and of `createKey`; every other region is served too. Default us-east-1. */
  region?: string
  /** Twelve digits; a folder's own account wins. */
  accountId?: string
  /** Serve https with this key and certificate (PEM). */
  tls?: { key: string | Buffer; cert: string | Buffer }
  /** Whether an elliptic-curve data key pair's PKCS#8 holds the optional public key. Default true. */
  pkcs8PublicKey?: boolean
  /** How many calls `journal` keeps, the latest. Default 1000. */
  journalLimit?: number
  /** Told of every call when it ends. */
  onCall?: (entry: JournalEntry) => void
}

export interface KeyToCreate {
  /** `alias/NAME`; none where absent. */
  alias?: string
  /** Default: the region of the local KMS. */
  region?: string
  /** Default: the account of the local KMS. Keys of others are kept in memory. */
  accountId?: string
  /** Default: the account's IAM policies decide. */
  policy?: PolicyDocument
  /** `SYMMETRIC_DEFAULT`, the default, or `RSA_2048`, `RSA_3072`, `RSA_4096`. */
  spec?: string
  multiRegion?: boolean
  description?: string
}

export interface CreatedKey {
  keyId: string
  arn: string
}

export interface LocalKms {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly region: string
  readonly accountId: string
  /** The administrator, an IAM user that may do anything IAM policies can allow. */
  readonly admin: User
  /** What an AWS client needs to find this endpoint, as the administrator. */
  readonly env: Record<string, string>
  /** The latest calls, oldest first. */
  readonly journal: JournalEntry[]
  readonly faults: Faults
  /** The environment of `env`, with these credentials. */
  envFor(credentials: Credentials): Record<string, string>
  /** Makes a key, and an alias (`alias/NAME`) for it, as the administrator; not in the journal. */
  createKey(options?: KeyToCreate): Promise<CreatedKey>
  createUser(options: { name: string; policies?: PolicyDocument[]; mfa?: boolean }): User
  createRole(options: RoleToCreate): Role
  /** Key policies that name it show its unique id from then on, which no other role has. */
  deleteRole(arn: string): void
  /** Creates a Lambda function, in memory. @returns its ARN. */
  createFunction(options: FunctionToCreate): string
  /** Replaces the code of a function's `$LATEST`. */
  updateFunctionCode(arn: string, code: Code): void
  /** Publishes `$LATEST` as a new version. @returns its number. */
  publishVersion(arn: string): string
  /** Creates or replaces an alias of a function. */
  putFunctionAlias(arn: string, alias: FunctionAlias): void
  /** Publishes a new version of a layer. @returns the ARN of the version. */
  publishLayerVersion(layer: LayerToPublish): string
  deleteFunction(arn: string): void
  /** Creates a grant, without a call to KMS. @returns its grant id. */
  createGrant(grant: GrantToCreate): string
  createNetwork(network: Network): void
  /** The account's, kept in memory; null: it belongs to no organization, as at first. */
  putServiceControlPolicy(policy: PolicyDocument | null): void
  /** An OpenID Connect provider, kept in memory, whose tokens AssumeRoleWithWebIdentity takes. */
  createOidcProvider(url: string): OidcProvider
  hasAlias(name: string, region?: string): boolean
  hasPrincipal(arn: string): boolean
  /** Replaces the IAM policies of a user or role, and a role's trust policy if one is given. */
  putPolicies(arn: string, policies: PolicyDocument[], trust?: PolicyDocument): void
  /** A user's access key; temporary credentials of a role, without asking its trust policy. */
  credentialsOf(
    arn: string,
    options?: { sessionName?: string; durationSeconds?: number },
  ): Credentials
  close(): Promise<void>
}
