import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto'
import type { KmsOpeningCalls } from '../aws/kms-decrypt.js'
import type { DataKeyPair } from '../crypto/data-key-pair.js'
import { aad, INFO, type Token } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { memoizeAsync } from '../util/memoize-async.js'
import type { SecretsFile } from './parse.js'

const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

/** The part of a secrets file that opening needs. */
export interface OpenableFile extends Pick<SecretsFile, 'path'> {
  pairs: Map<string, DataKeyPair>
}

export interface Opener {
  /** Unwraps a pair's private key, and checks that it belongs to the public key in the file. */
  unwrap: (fingerprint: string) => Promise<webcrypto.CryptoKey>
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
export function opener(kms: KmsOpeningCalls, { pairs, path }: OpenableFile): Opener {
  const unwrap = memoizeAsync((fingerprint: string) =>
    unwrapPair(kms, pairs.get(fingerprint)!, path),
  )
  return {
    unwrap,
    async open({ kind, fingerprint, encapsulatedKey: enc, ciphertext }, name) {
      if (!pairs.has(fingerprint)) {
        throw new KmsBuildError(
          'TOKEN_FOREIGN',
          `${name} is sealed to ${fingerprint}, which is none of the data key pairs of ${path}. It belongs to another secrets file (another stage?).`,
        )
      }
      const recipientKey = await unwrap(fingerprint)
      try {
        return new Uint8Array(
          await suite.open({ recipientKey, enc, info: INFO }, ciphertext, aad(kind, name)),
        )
      } catch {
        throw new KmsBuildError(
          'OPEN_FAILED',
          `${name} of ${path} does not open: its token was altered, or sealed under another name. Restore the line from git, or set it again.`,
        )
      }
    },
  }
}

async function unwrapPair(
  kms: KmsOpeningCalls,
  pair: DataKeyPair,
  path: string,
): Promise<webcrypto.CryptoKey> {
  const pkcs8 = await decryptAny(kms, pair)
  try {
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
    if (!publicKey.equals(pair.publicKey)) {
      throw new KmsBuildError(
        'PAIR_MISMATCH',
        `${path}: the private key that KMS unwraps for ${pair.fingerprint} is not that of the public key in the file. Someone exchanged one of them: seal nothing to it, find out who did (git log), and restore the line.`,
      )
    }
    // KMS's PKCS#8 may lack the public half; node adds it.
    const complete = privateKey.export({ format: 'der', type: 'pkcs8' })
    const key = await webcrypto.subtle.importKey(
      'pkcs8',
      complete,
      { name: 'ECDH', namedCurve: 'P-256' },
      true,
      ['deriveBits'],
    )
    complete.fill(0)
    return key
  } finally {
    pkcs8.fill(0)
  }
}

/** Decrypts the first of the pair's blobs that KMS can open. Throws the error of the first blob. */
async function decryptAny(
  kms: KmsOpeningCalls,
  { wrapped, encryptionContext }: DataKeyPair,
): Promise<Buffer> {
  let failure: unknown
  for (const blob of wrapped) {
    try {
      return await kms.decrypt(blob, encryptionContext)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}
