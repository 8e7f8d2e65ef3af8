import { createHmac } from 'node:crypto'

/** Strings of bytes, one per character. `binary` is node's older name of it, which some types insist on. */
export const LATIN1 = 'latin1' as 'binary'

/**
 * Returns the HMAC-SHA-256 of a string of bytes. They are passed in one call, since each `update`
 * costs as much as the hash.
 */
export const hmac = (key: string | Buffer, bytes: string): Buffer =>
  createHmac('sha256', key).update(bytes, LATIN1).digest()
