import { createHash, createHmac } from 'node:crypto'

type Bytes = string | Uint8Array

/** SHA-256, in hex; text counts as UTF-8. */
export const sha256 = (bytes: Bytes) => createHash('sha256').update(bytes).digest('hex')

/** HMAC-SHA-256 of the parts, one after the other. */
export function hmac(key: Bytes, ...parts: Bytes[]): Buffer {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}
