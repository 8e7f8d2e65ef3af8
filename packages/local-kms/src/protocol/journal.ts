/** One call, like an event of CloudTrail: without plaintexts, secrets and credentials. */
export interface JournalEntry {
  /** ISO 8601, by the service's clock. */
  readonly time: string
  readonly requestId: string
  readonly service:
    | 'kms'
    | 'ssm'
    | 'secretsmanager'
    | 'sts'
    | 'iam'
    | 'lambda'
    | 's3'
    | 'ec2'
    | 'unknown'
  /** `Decrypt`, `GetParameter`, …; `unknown` if the request names none. */
  readonly operation: string
  region: string
  /** ARN of the caller. Undefined if the request could not be authenticated. */
  principal?: string
  /** The service that calls on the principal's behalf: `ssm.us-east-1.amazonaws.com`. */
  invokedBy?: string
  keyArn?: string
  /** ReEncrypt: the key that encrypted the ciphertext. */
  sourceKeyArn?: string
  encryptionContext?: Readonly<Record<string, string>>
  sourceEncryptionContext?: Readonly<Record<string, string>>
  /** The parameter, secret, role or function of the call. */
  resource?: string
  dryRun?: boolean
  /** `Success`, or the error's name. */
  outcome: string
  message?: string
  /** The fault that was injected. */
  fault?: string
}

/**
 * The last calls, oldest first. Drops the oldest beyond `limit`, so that a long-running server does
 * not grow.
 */
export class Journal {
  readonly entries: JournalEntry[] = []
  readonly #limit: number
  readonly #listener: ((entry: JournalEntry) => void) | undefined

  constructor(limit: number, listener: ((entry: JournalEntry) => void) | undefined) {
    this.#limit = limit
    this.#listener = listener
  }

  add(entry: JournalEntry): void {
    this.entries.push(entry)
    if (this.entries.length > this.#limit) this.entries.splice(0, this.entries.length - this.#limit)
    this.#listener?.(entry)
  }
}

/** Formats a call as one line: `12:00:01.234 Decrypt Success key/… {"app":"x"} user/admin`. */
export function formatEntry(entry: JournalEntry): string {
  const service = entry.service === 'kms' ? '' : `${entry.service}:`
  return [
    entry.time.slice(11, 23),
    entry.region,
    `${service}${entry.operation}`,
    entry.outcome,
    entry.sourceKeyArn && `${shortArn(entry.sourceKeyArn)} ->`,
    entry.keyArn && shortArn(entry.keyArn),
    entry.resource,
    entry.sourceEncryptionContext && `${JSON.stringify(entry.sourceEncryptionContext)} ->`,
    entry.encryptionContext && JSON.stringify(entry.encryptionContext),
    entry.dryRun && 'dry-run',
    entry.principal ? `by ${shortArn(entry.principal)}` : 'unauthenticated',
    entry.invokedBy && `via ${entry.invokedBy}`,
    entry.fault && `[fault: ${entry.fault}]`,
    entry.message && `(${entry.message})`,
  ]
    .filter(Boolean)
    .join(' ')
    .replace(CONTROL, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Control characters, which could move a terminal's cursor or break the line. */
const CONTROL = /\p{Cc}/gu

const shortArn = (arn: string): string => arn.split(':').slice(5).join(':')
