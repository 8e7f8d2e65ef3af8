import type { KmsOpeningCalls } from '../aws/kms-decrypt.js'
import type { DataKeyPair, WrappedPrivateKey } from '../crypto/data-key-pair.js'
import { importPrivateKey, openToken, type PrivateKey } from '../crypto/private-key.js'
import { suiteOf } from '../crypto/suites.js'
import type { Token } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { memoizeAsync } from '../util/memoize-async.js'
import type { SecretsFile } from './parse.js'

/** The part of a secrets file that opening needs. */
export interface OpenableFile extends Pick<SecretsFile, 'path'> {
  pairs: Map<string, DataKeyPair>
}

export interface Opener {
  /** Unwraps a pair's private key, and checks that it belongs to the public key in the file. */
  unwrap: (fingerprint: string) => Promise<PrivateKey>
  /**
   * Checks that each CiphertextBlob of a pair decrypts to its private key, under its own KMS key.
   *
   * @returns the key ARNs.
   * @throws KmsBuildError KEY_UNPROVEN.
   */
  verifyKeys: (fingerprint: string) => Promise<string[]>
  /** @param name the entry's name, or the place of a literal, for errors. */
  open: (token: Token, name: string) => Promise<Uint8Array>
}

/**
 * Returns functions that open tokens of a secrets file's pairs: one kms:Decrypt per pair, when it is
 * first needed.
 *
 * @throws KmsBuildError KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED; PAIR_MISMATCH, TOKEN_FOREIGN,
 *   OPEN_FAILED.
 */
export function opener(
  kms: Pick<KmsOpeningCalls, 'decrypt'>,
  { pairs, path }: OpenableFile,
): Opener {
  const unwrapBlob = memoizeAsync((blob: WrappedPrivateKey, pair: DataKeyPair) =>
    unwrapPrivateKey(kms, pair, blob, path),
  )
  const unwrap = memoizeAsync((fingerprint: string) =>
    firstToUnwrap(pairs.get(fingerprint)!, unwrapBlob),
  )
  return {
    unwrap,
    async verifyKeys(fingerprint) {
      const pair = pairs.get(fingerprint)!
      for (const blob of pair.wrapped)
        await unwrapBlob(blob, pair).catch((error: Error) => {
          throw unproven(path, pair, blob, error)
        })
      return [...new Set(pair.wrapped.map(({ keyId }) => keyId))]
    },
    async open(token, name) {
      const { fingerprint } = token
      if (!pairs.has(fingerprint)) {
        throw new KmsBuildError(
          'TOKEN_FOREIGN',
          `${name} is sealed to ${fingerprint}, which is none of the data key pairs of ${path}. It belongs to another secrets file (another stage?).`,
        )
      }
      const privateKey = await unwrap(fingerprint)
      try {
        return await openToken(privateKey, token, name)
      } catch {
        throw new KmsBuildError(
          'OPEN_FAILED',
          `${name} of ${path} does not open: its token was altered, or sealed under another name. Restore the line from git, or set it again.`,
        )
      }
    },
  }
}

/** Unwraps the first of a pair's blobs that KMS can open. Throws the error of the first blob. */
async function firstToUnwrap<T>(
  pair: DataKeyPair,
  unwrap: (blob: WrappedPrivateKey, pair: DataKeyPair) => Promise<T>,
): Promise<T> {
  if (!pair.wrapped.length)
    throw new KmsBuildError(
      'RECOVERY_FAILED',
      `the data key pair ${pair.fingerprint} has no recovery copy. npx unplugin-kms rewrap --recovery age1… adds one, as long as KMS can decrypt.`,
    )
  let failure: unknown
  for (const blob of pair.wrapped) {
    try {
      return await unwrap(blob, pair)
    } catch (error) {
      // Another blob must not hide that someone exchanged the key.
      if (error instanceof KmsBuildError && error.code === 'PAIR_MISMATCH') throw error
      failure ??= error
    }
  }
  throw failure
}

async function unwrapPrivateKey(
  kms: Pick<KmsOpeningCalls, 'decrypt'>,
  pair: DataKeyPair,
  blob: WrappedPrivateKey,
  path: string,
): Promise<PrivateKey> {
  const pkcs8 = await kms.decrypt(blob, pair.encryptionContext)
  try {
    return await importPrivateKeyOf(pair, pkcs8, path)
  } finally {
    pkcs8.fill(0)
  }
}

/** Imports a private key, and compares it with its pair. @throws KmsBuildError PAIR_MISMATCH. */
async function importPrivateKeyOf(
  pair: DataKeyPair,
  pkcs8: Buffer,
  path: string,
): Promise<PrivateKey> {
  const privateKey = await importPrivateKey(pkcs8, suiteOf(pair)).catch((cause: unknown) => {
    throw mismatch(pair, path, { cause })
  })
  if (privateKey.publicKey.equals(pair.publicKey)) return privateKey
  throw mismatch(pair, path)
}

const mismatch = ({ fingerprint }: DataKeyPair, path: string, options?: ErrorOptions) =>
  new KmsBuildError(
    'PAIR_MISMATCH',
    `${path}: the private key that KMS unwraps for ${fingerprint} is not that of the public key in the file. Someone exchanged one of them: seal nothing to it, find out who did (git log), and restore the line.`,
    undefined,
    options,
  )

const unproven = (path: string, pair: DataKeyPair, blob: WrappedPrivateKey, cause: Error) =>
  new KmsBuildError(
    'KEY_UNPROVEN',
    `${path}: the CiphertextBlob of ${pair.fingerprint} under ${blob.keyId} does not unwrap here, so it is not known whether that key may have the private key. Nothing was wrapped under it. ` +
      `If you know the key, use credentials that may decrypt with it; if not, find out who added it (git log). To leave it out, name the other keys with --key. The cause: ${cause.message}`,
    undefined,
    { cause },
  )
