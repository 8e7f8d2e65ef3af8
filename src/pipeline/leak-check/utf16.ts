import { Buffer } from 'node:buffer'

/** Bytes that show whether a file without a byte order mark is UTF-16. */
const SAMPLE = 4096

/** Converts a UTF-16 file to UTF-8. @returns null if it is not UTF-16. */
export function fromUtf16(bytes: Buffer): Buffer | null {
  if (bytes.length < 4) return null
  const order = byteOrder(bytes)
  if (!order) return null
  const even = bytes.subarray(0, bytes.length & ~1)
  const text = (order === 'LE' ? even : Buffer.from(even).swap16()).toString('utf16le')
  return Buffer.from(text)
}

function byteOrder(bytes: Buffer): 'LE' | 'BE' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'LE'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'BE'
  const length = Math.min(bytes.length, SAMPLE) & ~1
  let [even, odd] = [0, 0]
  for (let at = 0; at < length; at += 2) {
    if (!bytes[at]) even++
    if (!bytes[at + 1]) odd++
  }
  // Text is mostly ASCII, of which every other byte is 0.
  const isMost = (zeros: number) => zeros > length / 5
  if (isMost(odd) && even < odd / 8) return 'LE'
  return isMost(even) && odd < even / 8 ? 'BE' : null
}
