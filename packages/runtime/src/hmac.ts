import { createHmac } from 'node:crypto'

/** HMAC-SHA-256 of a text of bytes, one a character (latin1): at once, since each `update` costs as much as the hash. */
export const hmac = (key: string | Buffer, bytes: string): Buffer =>
  createHmac('sha256', key).update(bytes, 'latin1').digest()
