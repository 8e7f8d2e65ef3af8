import { suiteOf } from '../crypto/suites.js'
import { KmsBuildError } from '../errors.js'
import { readGivenFile } from '../util/given-file.js'
import { opener, type Opener } from './open.js'
import type { RecoveryCopy, ScopedPair, SecretsFile } from './types.js'

/** Loads the optional package. @throws KmsBuildError PACKAGE_MISSING. */
async function loadAge() {
  return import('age-encryption').catch((cause: unknown) => {
    throw new KmsBuildError(
      'PACKAGE_MISSING',
      'recovery recipients need the package age-encryption. Install it: npm install --save-dev age-encryption.',
      undefined,
      { cause },
    )
  })
}

/**
 * Checks that a string is an age recipient.
 *
 * @throws KmsBuildError ARGUMENT_INVALID, PACKAGE_MISSING.
 */
export async function checkRecipient(recipient: string): Promise<void> {
  const { Encrypter } = await loadAge()
  try {
    if (!/^age1[0-9a-z]+$/.test(recipient)) throw new TypeError('not an age recipient')
    new Encrypter().addRecipient(recipient)
  } catch (cause) {
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      'the recovery recipient is not an age recipient. It begins with age1; age-keygen prints it as the public key.',
      undefined,
      { cause },
    )
  }
}

/** age's hybrid recipients, of ML-KEM-768 with X25519 or P-256. */
const POST_QUANTUM = /^age1(?:tag)?pq1/

/**
 * Returns a warning for each age recipient that a quantum computer could break, although the pair is of
 * ML-KEM: the recovery copy contains its private key.
 */
export function recoveryWarnings(pairs: ScopedPair[]): string[] {
  const recipients = pairs
    .filter((pair) => suiteOf(pair) !== 'P-256')
    .flatMap((pair) => pair.recovery.map(({ recipient }) => recipient))
    .filter((recipient) => !POST_QUANTUM.test(recipient))
  return [...new Set(recipients)].map(
    (recipient) =>
      `the recovery copy for ${recipient} is not post-quantum, and decrypts the ML-KEM pair. Use a recipient age1pq1… (age-keygen -pq).`,
  )
}

/** Encrypts a private key (PKCS#8) to each age recipient. */
export async function encryptToRecipients(
  recipients: string[],
  privateKey: Uint8Array,
): Promise<RecoveryCopy[]> {
  const { Encrypter } = await loadAge()
  return Promise.all(
    recipients.map(async (recipient) => {
      const encrypter = new Encrypter()
      encrypter.addRecipient(recipient)
      const ciphertext = Buffer.from(await encrypter.encrypt(privateKey)).toString('base64')
      return { recipient, ciphertext }
    }),
  )
}

/**
 * Returns an opener that unwraps private keys with an age identity file, as `age-keygen` writes it, and
 * without KMS.
 *
 * @throws KmsBuildError FILE_UNREADABLE, RECOVERY_FAILED, PACKAGE_MISSING.
 */
export async function recoveryOpener(file: SecretsFile, identityFile: string): Promise<Opener> {
  const { Decrypter } = await loadAge()
  const decrypter = new Decrypter()
  const lines = (await readGivenFile(identityFile)).toString().split(/\r?\n/)
  const identities = lines
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
  try {
    if (!identities.length) throw new TypeError('no identity')
    for (const identity of identities) decrypter.addIdentity(identity)
  } catch {
    // The library's error may contain the identity.
    throw new KmsBuildError(
      'RECOVERY_FAILED',
      `${identityFile} is not an age identity file: it has no valid line AGE-SECRET-KEY-….`,
    )
  }
  const pairs = [...file.pairs.values()].map((pair) => {
    const wrapped = pair.recovery.map(({ recipient, ciphertext }) => ({
      keyId: recipient,
      ciphertextBlob: ciphertext,
    }))
    return [pair.fingerprint, { ...pair, wrapped }] as const
  })
  const decrypt = async ({ ciphertextBlob }: { ciphertextBlob: string }) => {
    try {
      return Buffer.from(await decrypter.decrypt(Buffer.from(ciphertextBlob, 'base64')))
    } catch (cause) {
      throw failed(file.path, identityFile, { cause })
    }
  }
  return opener({ decrypt }, { path: file.path, pairs: new Map(pairs) })
}

const failed = (path: string, identityFile: string, options: ErrorOptions) =>
  new KmsBuildError(
    'RECOVERY_FAILED',
    `no identity of ${identityFile} decrypts the recovery copy in ${path}. npx unplugin-kms list --keys shows the recipients; use the identity file of one of them.`,
    undefined,
    options,
  )
