import { SUITES, suiteOf, type Suite } from '../crypto/suites.js'
import { decodeToken, encodeToken, KINDS, plaintextSize, type Token } from '../crypto/token.js'
import type { ScopedPair } from './types.js'

/** The tokens of each suite: version, base64url after kind and fingerprint, bytes before the ciphertext. */
const FORMS: Record<Suite, { version: number; form: RegExp; ciphertextAt: number }> = {
  // The encapsulated key is an uncompressed point, whose first byte is 04.
  'P-256': {
    version: 1,
    form: /^kms:v1:[\w-]{12}B[A-P][\w-]+$/,
    ciphertextAt: 9 + SUITES['P-256'].encapsulatedKeyBytes,
  },
  // The suite byte is 42.
  'ML-KEM-1024': {
    version: 2,
    form: /^kms:v2:[\w-]{12}Q[g-v][\w-]+$/,
    ciphertextAt: 10 + SUITES['ML-KEM-1024'].encapsulatedKeyBytes,
  },
}
const PREFIX = 'kms:v1:'.length
/** Characters of the version, kind and fingerprint. */
const HEAD = PREFIX + 12
const TAG = 16

const decoded = (text: string) => decodeToken(text) as Token

/** The token of an entry. It is valid, and is decoded when its bytes are read. */
class EntryToken implements Token {
  readonly kind = 'named'
  readonly fingerprint: string
  readonly text: string
  readonly plaintextSize: number

  constructor(fingerprint: string, text: string, size: number) {
    this.fingerprint = fingerprint
    this.text = text
    this.plaintextSize = size
  }

  get encapsulatedKey(): Uint8Array {
    return decoded(this.text).encapsulatedKey
  }

  get ciphertext(): Uint8Array {
    return decoded(this.text).ciphertext
  }
}

/**
 * Returns a function that reads a token of kind named that is sealed to one of the pairs. It accepts
 * exactly what `decodeToken` does, by the characters, in a tenth of the time. It returns undefined for
 * any other string; `decodeToken` knows the reason.
 */
export function entryTokenReader(pairs: Iterable<ScopedPair>): (text: string) => Token | undefined {
  const forms = new Map(
    Array.from(pairs, (pair) => {
      const form = FORMS[suiteOf(pair)]
      return [headOf(pair.fingerprint, form.version), { ...form, ...pair }] as const
    }),
  )
  return (text) => {
    const pair = forms.get(text.slice(0, HEAD))
    if (!pair?.form.test(text) || !endsCanonically(text)) return undefined
    const size = Math.floor(((text.length - PREFIX) * 3) / 4) - pair.ciphertextAt - TAG
    return size > 0 ? new EntryToken(pair.fingerprint, text, size) : undefined
  }
}

/** Returns how the tokens of a pair begin. Nine bytes are twelve characters. */
function headOf(fingerprint: string, version: number): string {
  const bytes = Buffer.from(fingerprint, 'hex')
  return `kms:v${version}:${Buffer.concat([Uint8Array.of(KINDS.named), bytes]).toString('base64url')}`
}

/** Checks that the bits of the last character that belong to no byte are 0. */
function endsCanonically(text: string): boolean {
  const last = text.at(-1)!
  switch ((text.length - PREFIX) % 4) {
    case 0:
      return true
    case 2:
      return 'AQgw'.includes(last)
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last)
    default:
      return false
  }
}

/** Returns the string of an entry's token. */
export const entryText = (token: Token): string =>
  token instanceof EntryToken ? token.text : encodeToken(token)

/** Returns the size of an entry's plaintext, in bytes. */
export const entrySize = (token: Token): number =>
  token instanceof EntryToken ? token.plaintextSize : plaintextSize(token)
