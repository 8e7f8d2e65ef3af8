import { Buffer } from 'node:buffer'
import { byteClass } from './byte-class.js'

/** Of base64, and of what is percent-encoded. */
export const IN_DATA_URL = byteClass(/[\w+/=%.~!*'()-]/)
const HEAD = /^data:[\w.+/-]*((?:;[\w.+=-]+)*),/
/** Bytes of a data URL before its comma: more than any media type has. */
const LONGEST_HEAD = 1000

/** What the data URL says that begins here, if one does. */
export function dataUrl(bytes: Buffer, at: number): Buffer | null {
  const head = HEAD.exec(bytes.toString('latin1', at, at + LONGEST_HEAD))
  if (!head) return null
  const start = at + head[0].length
  let end = start
  while (IN_DATA_URL[bytes[end]!]) end++
  const body = bytes.toString('latin1', start, end)
  const isBase64 = head[1]!.includes(';base64')
  const inner = isBase64 ? Buffer.from(body, 'base64') : Buffer.from(unpercent(body))
  return inner.length ? inner : null
}

function unpercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
