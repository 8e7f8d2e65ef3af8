import { Buffer } from 'node:buffer'

/** A plaintext that the build saw. */
export interface Seen {
  name: string
  plaintext: Uint8Array
  /** Whether it is JSON, whose leaves may stand somewhere in another layout. */
  json?: boolean
}

/** A line of a multi-line secret says enough by itself from this length on. */
const LINE = 24

/**
 * What is searched for: the whole; of a text with several lines each long one by itself; of JSON
 * each string that is long enough. Equal ones once.
 */
export function parts({ plaintext, json }: Seen, minLength: number): Uint8Array[] {
  const text = Buffer.from(plaintext).toString('utf8')
  const lines = text.split(/\r?\n/)
  // A PEM's first and last line stand in many a library.
  const telling =
    lines.length > 1 ? lines.filter((line) => line.length >= LINE && !line.startsWith('-----')) : []
  const strings = json ? leaves(JSON.parse(text)).filter((leaf) => leaf.length >= minLength) : []
  return [plaintext, ...[...new Set([...telling, ...strings])].map((part) => Buffer.from(part))]
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : []
}
