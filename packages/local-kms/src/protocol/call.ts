import type { Account } from '../account/account.js'
import type { Caller } from '../auth/caller.js'
import type { Journal, JournalEntry } from './journal.js'

/** One authenticated call. */
export interface Call {
  readonly account: Account
  readonly journal: Journal
  readonly region: string
  readonly caller: Caller
  /** Milliseconds since 1970, by the service's clock. */
  readonly now: number
  readonly sourceIp: string
  readonly secureTransport: boolean
  readonly userAgent: string
  /** The scheme and host that the client used: `http://127.0.0.1:1234`. */
  readonly origin: string
  /** The service that calls on the caller's behalf: `ssm.us-east-1.amazonaws.com`. */
  readonly viaService?: string
  /** Whether the PKCS#8 of an elliptic-curve pair includes the optional public key. */
  readonly pkcs8PublicKey: boolean
  /** The call's entry in the journal. */
  readonly entry: JournalEntry
}
