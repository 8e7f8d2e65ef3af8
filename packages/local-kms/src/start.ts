import { Account } from './account/account.js'
import { lockFolder } from './account/lock.js'
import { keyArn, REGION_PATTERN } from './account/arn.js'
import { callerOfUser } from './auth/caller.js'
import {
  createRole,
  createUser,
  credentialsOf,
  findPrincipal,
  putPolicies,
  type Credentials,
  type PolicyDocument,
  type Role,
  type User,
} from './auth/principals.js'
import { LocalKmsError } from './errors.js'
import { CreateAlias } from './kms/aliases.js'
import { CreateKey } from './kms/keys.js'
import { perform, type Call } from './protocol/service.js'
import { Faults } from './server/faults.js'
import { Journal, type JournalEntry } from './server/journal.js'
import { serve } from './server/serve.js'

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
  createKey(options?: {
    alias?: string
    region?: string
    policy?: PolicyDocument
    spec?: string
    multiRegion?: boolean
    description?: string
  }): Promise<CreatedKey>
  createUser(options: { name: string; policies?: PolicyDocument[]; mfa?: boolean }): User
  createRole(options: { name: string; policies?: PolicyDocument[]; trust?: PolicyDocument }): Role
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

const ADMIN_POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
}

/**
 * Starts an embedded KMS (with what goes with it of SSM, Secrets Manager and STS) that answers as
 * AWS does, over HTTP, on loopback.
 *
 * @throws LocalKmsError when an option makes no sense, or the state folder is corrupt or in use
 */
export async function startLocalKms(options: LocalKmsOptions = {}): Promise<LocalKms> {
  const { dir, host = '127.0.0.1', region = 'us-east-1', accountId = '111122223333' } = options
  checkOptions({ region, accountId })
  const faults = new Faults()
  const journal = new Journal(options.journalLimit ?? 1000, options.onCall)
  const unlock = dir === undefined ? undefined : await lockFolder(dir)
  const pkcs8PublicKey = options.pkcs8PublicKey ?? true
  const { account, admin, listener } = await open().catch(async (error: unknown) => {
    await unlock?.()
    throw error
  })
  async function open() {
    const account = new Account({ dir, accountId })
    const admin = findAdmin(account, () => faults.now())
    const endpoint = { account, journal, faults, pkcs8PublicKey }
    const listener = await serve(endpoint, { host, port: options.port ?? 0, tls: options.tls })
    return { account, admin, listener }
  }
  const scheme = options.tls === undefined ? 'http' : 'https'
  const url = `${scheme}://${reachableHost(host)}:${listener.port}`

  const envFor = (credentials: Credentials): Record<string, string> => ({
    AWS_ENDPOINT_URL_KMS: url,
    AWS_ENDPOINT_URL_SSM: url,
    AWS_ENDPOINT_URL_STS: url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  })

  const adminCall = (inRegion: string): Call => ({
    account,
    journal,
    region: inRegion,
    caller: callerOfUser(account.state, admin.name),
    now: faults.now(),
    sourceIp: '127.0.0.1',
    secureTransport: false,
    userAgent: '',
    pkcs8PublicKey,
    // Setting the scene is no call of a client's: it stays out of the journal.
    entry: {
      time: '',
      requestId: '',
      service: 'kms',
      operation: '',
      region: inRegion,
      outcome: '',
    },
  })

  return {
    url,
    region,
    accountId: account.id,
    admin,
    env: envFor(admin.credentials),
    journal: journal.entries,
    faults,
    envFor,
    async createKey({
      alias,
      region: inRegion = region,
      policy,
      spec,
      multiRegion,
      description,
    } = {}) {
      const call = adminCall(inRegion)
      const answer = await perform(CreateKey, call, {
        KeySpec: spec,
        KeyUsage: 'ENCRYPT_DECRYPT',
        MultiRegion: multiRegion,
        Description: description,
        Policy: typeof policy === 'object' ? JSON.stringify(policy) : policy,
      })
      const { KeyId: keyId } = answer.KeyMetadata as { KeyId: string }
      if (alias !== undefined) {
        await perform(CreateAlias, call, { AliasName: alias, TargetKeyId: keyId })
      }
      return { keyId, arn: keyArn(inRegion, account.id, keyId) }
    },
    createUser: (user) => createUser(account, user, () => faults.now()),
    createRole: (role) => createRole(account, role),
    hasAlias: (name, inRegion = region) => account.region(inRegion).aliases.has(name),
    hasPrincipal: (arn) => findPrincipal(account, arn) !== undefined,
    putPolicies: (arn, policies, trust) => putPolicies(account, arn, policies, trust),
    credentialsOf: (arn, session) => credentialsOf(account, arn, { now: faults.now(), ...session }),
    async close() {
      await listener.close()
      await unlock?.()
    },
  }
}

function checkOptions({ region, accountId }: { region: string; accountId: string }): void {
  if (!REGION_PATTERN.test(region)) {
    throw new LocalKmsError('BAD_OPTION', `region: '${region}' is no region name (us-east-1)`)
  }
  if (!/^\d{12}$/.test(accountId)) {
    throw new LocalKmsError('BAD_OPTION', `accountId: '${accountId}' is not twelve digits`)
  }
}

/** The administrator of the folder's account, made with it. */
function findAdmin(account: Account, clock: () => number): User {
  const existing = account.state.users.get('admin')
  if (existing === undefined) {
    return createUser(account, { name: 'admin', policies: [ADMIN_POLICY] }, clock)
  }
  const [credentials] = existing.accessKeys as [Credentials]
  return { name: 'admin', arn: `arn:aws:iam::${account.id}:user/admin`, credentials }
}

/** A wildcard address is listened on, not connected to. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
