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
  /** Folder of the state. Default: the state is kept in memory. */
  dir?: string
  /** Default: 0, any free port. */
  port?: number
  /** Default: 127.0.0.1. Other addresses expose the endpoint to the network. */
  host?: string
  /** Region of `env` and `createKey`. All other regions are served too. Default: us-east-1. */
  region?: string
  /** Twelve digits. The account of an existing state folder takes precedence. */
  accountId?: string
  /** Private key and certificate (PEM) for HTTPS. */
  tls?: { key: string | Buffer; cert: string | Buffer }
  /** Whether the PKCS#8 of an elliptic-curve pair includes the optional public key. Default: true. */
  pkcs8PublicKey?: boolean
  /** Maximum number of calls in `journal`. Default: 1000. */
  journalLimit?: number
  /** Called after every call. */
  onCall?: (entry: JournalEntry) => void
}

export interface KeyToCreate {
  /** `alias/NAME`. Default: no alias. */
  alias?: string
  /** Default: the region of the local KMS. */
  region?: string
  /** Default: the account of the local KMS. Keys of other accounts are kept in memory. */
  accountId?: string
  /** Default: a policy that delegates to the account's IAM policies. */
  policy?: PolicyDocument
  /** `SYMMETRIC_DEFAULT` (default), `RSA_2048`, `RSA_3072` or `RSA_4096`. */
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
  /** An IAM user with a policy that allows everything. */
  readonly admin: User
  /** Environment variables for AWS clients, with the administrator's credentials. */
  readonly env: Record<string, string>
  /** The last calls, oldest first. */
  readonly journal: JournalEntry[]
  readonly faults: Faults
  /** Returns the variables of `env` with other credentials. */
  envFor(credentials: Credentials): Record<string, string>
  /** Creates a key, and its alias, as the administrator. The journal does not record it. */
  createKey(options?: KeyToCreate): Promise<CreatedKey>
  createUser(options: { name: string; policies?: PolicyDocument[]; mfa?: boolean }): User
  createRole(options: RoleToCreate): Role
  /** Deletes a role. Its unique ID replaces its ARN in key policies. */
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
  /** Sets the account's service control policy, in memory. null: no organization (default). */
  putServiceControlPolicy(policy: PolicyDocument | null): void
  /** Creates an OpenID Connect provider for AssumeRoleWithWebIdentity, in memory. */
  createOidcProvider(url: string): OidcProvider
  hasAlias(name: string, region?: string): boolean
  hasPrincipal(arn: string): boolean
  /** Replaces the IAM policies of a user or role, and optionally a role's trust policy. */
  putPolicies(arn: string, policies: PolicyDocument[], trust?: PolicyDocument): void
  /** Returns a user's access key, or temporary credentials of a role (ignoring its trust policy). */
  credentialsOf(
    arn: string,
    options?: { sessionName?: string; durationSeconds?: number },
  ): Credentials
  close(): Promise<void>
}
