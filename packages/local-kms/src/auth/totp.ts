import { createHmac, timingSafeEqual } from 'node:crypto'

const STEP_MS = 30_000
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Returns the code of a virtual MFA device at `now` (RFC 6238, HMAC-SHA-1, 30 s). */
export const totp = (base32Secret: string, now: number): string =>
  codeOfStep(base32Secret, Math.floor(now / STEP_MS))

/** Returns the time step of a code, with a tolerance of one step, or undefined for a wrong code. */
export function stepOfCode(base32Secret: string, code: string, now: number): number | undefined {
  const current = Math.floor(now / STEP_MS)
  return [current, current - 1, current + 1].find((step) => {
    const expected = Buffer.from(codeOfStep(base32Secret, step))
    const given = Buffer.from(code)
    return expected.length === given.length && timingSafeEqual(expected, given)
  })
}

function codeOfStep(base32Secret: string, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', decodeBase32(base32Secret)).update(counter).digest()
  const offset = (mac.at(-1) as number) & 0x0f
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

function decodeBase32(text: string): Buffer {
  const bits = Array.from(text, (c) => ALPHABET.indexOf(c).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

export function encodeBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join('')
}
