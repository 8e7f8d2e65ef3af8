import { looksLikeToken } from '../../crypto/token.js'
import { decryptFirst, foreignCiphertext } from '../../util/foreign-ciphertext.js'
import { isUtf16 } from '../../util/utf16.js'
import { type Mark, shown } from '../collect/mark.js'
import { refuse } from './refuse.js'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes UTF-8, and keeps a byte order mark; undefined for bytes that are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Checks that a value is what the mark requires, and returns it as the plaintext to seal.
 *
 * @throws KmsBuildError PLAINTEXT_EMPTY, PLAINTEXT_ENCODING, PLAINTEXT_LONE_SURROGATE,
 *   CIPHERTEXT_FOREIGN, TOKEN_INVALID, JSON_INVALID, SOURCE_UNSUITABLE.
 */
export function plaintextOf(mark: Mark, value: string | Uint8Array): { plaintext: Uint8Array } {
  if (!value.length)
    refuse(
      'PLAINTEXT_EMPTY',
      `the value of ${shown(mark)} is empty, which is usually a mistake. Set a value or remove the mark.`,
      mark,
    )
  const foreign = foreignCiphertext(value)
  if (foreign)
    refuse('CIPHERTEXT_FOREIGN', `the value of ${shown(mark)} ${decryptFirst(foreign)}`, mark)
  if (mark.format === 'bytes' && typeof value !== 'string') return { plaintext: value }
  if (typeof value !== 'string' && isUtf16(value))
    refuse('PLAINTEXT_ENCODING', `the value of ${shown(mark)} is UTF-16 text. ${SAVE_UTF8}`, mark)
  const text =
    (typeof value === 'string' ? value : textOf(value)) ??
    refuse(
      'SOURCE_UNSUITABLE',
      `the value of ${shown(mark)} is not encoded in UTF-8. Read its bytes: 'bytes', or { as: 'bytes' }.`,
      mark,
    )
  if (!text.isWellFormed())
    refuse(
      'PLAINTEXT_LONE_SURROGATE',
      `the value of ${shown(mark)} has a lone surrogate, which UTF-8 cannot represent. For bytes use secret.file(path, 'bytes').`,
      mark,
    )
  if (text.startsWith('\ufeff'))
    refuse(
      'PLAINTEXT_ENCODING',
      `the value of ${shown(mark)} begins with a byte order mark, which would be part of the secret. ${SAVE_UTF8}`,
      mark,
    )
  if (looksLikeToken(text)) {
    refuse(
      'TOKEN_INVALID',
      `the value of ${shown(mark)} starts with kms:v as a sealed token does, and only literals and entries of the secrets file can be tokens. Use secret('kms:v1:…') or secret.named().`,
      mark,
    )
  }
  if (mark.format === 'json' && !isJson(text))
    refuse(
      'JSON_INVALID',
      `the value of ${shown(mark)} is not valid JSON. Fix it, or remove 'json' from the mark to read it as a string.`,
      mark,
    )
  return { plaintext: Buffer.from(text, 'utf8') }
}

const SAVE_UTF8 =
  "Save it as UTF-8 without a byte order mark, or read its bytes: 'bytes', or { as: 'bytes' }."

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
