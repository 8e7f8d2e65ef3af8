export {
  startLocalKms,
  type CreatedKey,
  type LocalKms,
  type LocalKmsOptions,
} from './start.js'
export type { Credentials, PolicyDocument, Role, User } from './auth/principals.js'
export { LocalKmsError, type LocalKmsErrorCode } from './errors.js'
export type { Fault, FaultKind, Faults, InjectedFault } from './server/faults.js'
export { formatEntry, type JournalEntry } from './server/journal.js'
export { LOCAL_HELP, runLocal, type LocalIo } from './command/local.js'
