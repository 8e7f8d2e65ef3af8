import { entropyToMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'

/**
 * Returns the words of a pin, to compare by telephone: the SHA-256 as a BIP 39 sentence of 24 words,
 * whose last one contains a checksum.
 *
 * @param pin `sha256:` and 64 hex digits.
 */
export function pinWords(pin: string): string[] {
  const digest = Uint8Array.from(pin.slice('sha256:'.length).match(/../g) ?? [], (digits) =>
    parseInt(digits, 16),
  )
  return entropyToMnemonic(digest, wordlist).split(' ')
}
