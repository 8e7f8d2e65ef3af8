export { startLocalKms } from './start.js'
export type { CreatedKey, KeyToCreate, LocalKms, LocalKmsOptions } from './local-kms.js'
export type { Credentials, Role, RoleToCreate, User } from './auth/principals.js'
export type { Network } from './account/network.js'
export type { GrantToCreate } from './account/grant.js'
export type {
  Code,
  FunctionAlias,
  FunctionToCreate,
  LayerToPublish,
} from './account/lambda-function.js'
export {
  applies,
  contextConditions,
  parsePolicy,
  principalMatch,
  requestContext,
  type Policy,
  type PolicyDocument,
  type PrincipalMatch,
  type RequestContext,
  type Statement,
} from './policy/index.js'
export { LocalKmsError, type LocalKmsErrorCode } from './errors.js'
export type { Fault, FaultKind, Faults, InjectedFault } from './server/faults.js'
export type { OidcProvider } from './account/oidc-provider.js'
export { formatEntry, type JournalEntry } from './protocol/journal.js'
export { runChild } from './command/run-child.js'
export { LOCAL_HELP, runLocal, type LocalIo } from './command/local.js'
