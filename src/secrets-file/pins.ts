import { parseKeyArn } from '../aws/key-arn.js'
import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import type { SecretsFile } from './parse.js'
import { describeState, indented, pinOf, trustStateOf } from './trust-state.js'

/** What the pins cover: everything that can decrypt, or only the public keys. */
export type PinCoverage = 'complete' | 'public keys only'

/**
 * Checks that one of the pins is the file's: a pin is the digest of every data key pair with its
 * scope, KMS keys and encryption context. Pins of version 0.1 are digests of one public key each;
 * they are accepted if there is one for every pair.
 *
 * @param pins at least one: `sha256:` and 64 hex digits.
 * @throws KmsBuildError PIN_MISMATCH.
 */
export function checkPins(file: SecretsFile, pins: string[]): PinCoverage {
  const state = trustStateOf(file)
  const pin = pinOf(state)
  if (pins.includes(pin)) return 'complete'
  const publicKeys = [...file.pairs.values()].map(({ publicKey }) => publicKeyDigest(publicKey))
  if (publicKeys.every((digest) => pins.includes(digest))) return 'public keys only'
  throw new KmsBuildError(
    'PIN_MISMATCH',
    `${file.path}: the set of data key pairs, KMS keys and encryption contexts is not the pinned one.\n` +
      `  pinned:      ${pins.join('\n               ')}\n  in the file: ${pin}\n` +
      `${describeState(state)
        .map((line) => `    ${line}\n`)
        .join('')}` +
      'If you know of the change, check each line (git log shows who made it), then pin the new value. If not, do not build: the person who changed it may be able to decrypt what you seal.',
  )
}

/** Returns the warning for pins that version 0.1 printed. */
export function publicKeysOnly(file: SecretsFile, where: string): string {
  const state = trustStateOf(file)
  return `${where} covers only the public keys of ${file.path}, not the KMS keys and encryption contexts. If you know each of these, pin ${pinOf(state)} instead:\n${indented(describeState(state))}`
}

/**
 * Checks that the private keys are encrypted under keys of the option `keyId` only. An alias cannot be
 * compared without calling AWS, which no build with a secrets file does.
 *
 * @throws KmsBuildError PIN_MISMATCH.
 */
export function checkKeys({ path, pairs }: SecretsFile, keyIds: string[]) {
  if (!keyIds.length || keyIds.some((keyId) => keyId.includes('alias/'))) return
  const allowed = (arn: string) => keyIds.includes(arn) || keyIds.includes(parseKeyArn(arn)!.keyId)
  const foreign = [...pairs.values()]
    .flatMap(({ wrapped }) => wrapped)
    .find(({ keyId }) => !allowed(keyId))
  if (foreign) {
    throw new KmsBuildError(
      'PIN_MISMATCH',
      `${path}: a private key is wrapped under ${foreign.keyId}, which is not among the option keyId (${keyIds.join(', ')}).`,
    )
  }
}
