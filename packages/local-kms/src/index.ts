export { startLocalKms } from './start.js'
export type { CreatedKey, KeyToCreate, LocalKms, LocalKmsOptions } from './local-kms.js'
export type { Credentials, PolicyDocument, Role, RoleToCreate, User } from './auth/principals.js'
export type { Network } from './ec2/networks.js'
export type { FunctionToCreate } from './lambda/functions.js'
export { callContext } from './auth/call-context.js'
export {
  conditionsHold,
  requestContext,
  wildcardMatch,
  type RequestContext,
} from './auth/conditions.js'
export { applies, principalMatch, says, type Question } from './auth/evaluate.js'
export { parsePolicy, type Policy, type Statement } from './auth/policy.js'
export { LocalKmsError, type LocalKmsErrorCode } from './errors.js'
export type { Fault, FaultKind, Faults, InjectedFault } from './server/faults.js'
export type { OidcProvider } from './sts/web-identity.js'
export { formatEntry, type JournalEntry } from './server/journal.js'
export { LOCAL_HELP, runLocal, type LocalIo } from './command/local.js'
