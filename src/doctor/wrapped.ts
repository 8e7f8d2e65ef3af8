import type { KMSClient } from '@aws-sdk/client-kms'
import { parseKeyArn } from '../aws/key-arn.js'
import { kmsOpeningCalls, type KmsOpeningCalls } from '../aws/kms-decrypt.js'
import type { DataKeyPair, WrappedPrivateKey } from '../crypto/data-key-pair.js'
import { SUITES, suiteOf } from '../crypto/suites.js'
import type { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options/types.js'
import { opener } from '../secrets-file/open.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { ask, noteUnreached, reason, type Answer } from './ask.js'
import { check, type Check } from './check.js'
import { clientKms } from '../aws/sdk.js'

/** A CiphertextBlob that KMS has to decrypt. */
export interface WrappedBlob {
  /** Its name in messages. */
  what: string
  blob: WrappedPrivateKey
  encryptionContext: Record<string, string>
  /** What to do if KMS cannot decrypt it with this context. */
  remedy: string
}

interface WrappedPair extends WrappedBlob {
  pair: DataKeyPair
}

export const blobsInFile = ({ pairs }: SecretsFile): WrappedPair[] =>
  [...pairs.values()].flatMap((pair) =>
    pair.wrapped.map((blob) => ({
      pair,
      what: `the private key of ${pair.fingerprint}`,
      blob,
      encryptionContext: pair.encryptionContext,
      remedy:
        'find out what changed in the file (git log), and restore it; npx unplugin-kms rewrap changes a context',
    })),
  )

/** Errors of KMS for a blob that was encrypted under another key or context. */
const MISMATCH = /^(InvalidCiphertext|IncorrectKey)/

const wrappingMismatch = ({ what, blob, encryptionContext, remedy }: WrappedBlob, name: string) =>
  check('found', 'wrapping', 'WRAPPING_INVALID', {
    what,
    keyId: blob.keyId,
    name,
    encryptionContext,
    remedy,
  })

/** Concurrent calls: a bundle of mode direct may contain many ciphertexts. */
const CONCURRENCY = 8

/** Checks the caller's permissions for the keys with dry runs: nothing is decrypted or created. */
export async function checkCaller(
  all: WrappedBlob[],
  clientFor: (region?: string) => Promise<KMSClient>,
): Promise<Check[]> {
  const { DecryptCommand, GenerateDataKeyPairWithoutPlaintextCommand } = await clientKms()
  const examine = async (wrapped: WrappedBlob) => {
    const { keyId: KeyId, ciphertextBlob } = wrapped.blob
    const { encryptionContext: EncryptionContext } = wrapped
    const kms = await clientFor(parseKeyArn(KeyId)!.region)
    const common = { KeyId, EncryptionContext, DryRun: true }
    const CiphertextBlob = Buffer.from(ciphertextBlob, 'base64')
    const [decrypts, makes] = await Promise.all([
      ask(() => kms.send(new DecryptCommand({ ...common, CiphertextBlob }))),
      ask(() =>
        kms.send(
          new GenerateDataKeyPairWithoutPlaintextCommand({
            ...common,
            KeyPairSpec: specOf(wrapped),
          }),
        ),
      ),
    ])
    if (!('got' in decrypts) && MISMATCH.test(decrypts.name))
      return wrappingMismatch(wrapped, decrypts.name)
    return check('ok', 'caller', 'CALLER_PERMISSIONS', {
      keyId: KeyId,
      decrypt: may(decrypts, 'kms:Decrypt', 'decrypt'),
      generate: may(makes, 'kms:GenerateDataKeyPairWithoutPlaintext', 'create data key pairs'),
    })
  }
  const checks: Check[] = []
  for (let at = 0; at < all.length; at += CONCURRENCY)
    checks.push(...(await Promise.all(all.slice(at, at + CONCURRENCY).map(examine))))
  return distinct(checks)
}

/** Returns the spec of the pairs that the caller would create: as the pair that is there. */
const specOf = (wrapped: WrappedBlob) =>
  SUITES['pair' in wrapped ? suiteOf(wrapped.pair as DataKeyPair) : 'P-256'].keyPairSpec

function may(answer: Answer<unknown>, action: string, what: string): string {
  if ('got' in answer || answer.name === 'DryRunOperationException') return `may ${what}`
  if (answer.refused === 'denied') return `may not ${what}`
  return `may perhaps ${what} (${reason(answer, action)})`
}

/**
 * Verifies the pairs: unwraps each CiphertextBlob, derives the public key and compares it. Then decrypts
 * every entry and zeroes its value.
 */
export async function verifyPairs(
  file: SecretsFile,
  aws: AwsOptions,
  isUnusable: (keyArn: string) => boolean,
): Promise<Check[]> {
  const kms = kmsOpeningCalls(aws)
  const all = blobsInFile(file).filter(({ blob }) => !isUnusable(blob.keyId))
  const checks = await Promise.all(
    all.map(async (wrapped) => {
      const { pair, blob } = wrapped
      try {
        await opener(kms, only(file, [wrapped])).unwrap(pair.fingerprint)
        const data = { keyId: blob.keyId, fingerprint: pair.fingerprint }
        return check('ok', 'pair', 'PAIR_VERIFIED', data)
      } catch (error) {
        noteUnreached(aws, (error as KmsBuildError).cause ?? error)
        return whyNot(wrapped, error as KmsBuildError)
      }
    }),
  )
  const verified = all.filter((_, index) => checks[index]!.status === 'ok')
  return distinct([...checks, ...(await openEntries(file, verified, kms))])
}

const only = ({ path }: SecretsFile, wrapped: WrappedPair[]) => ({
  path,
  pairs: new Map(wrapped.map(({ pair, blob }) => [pair.fingerprint, { ...pair, wrapped: [blob] }])),
})

function whyNot(wrapped: WrappedPair, { code, message, cause }: KmsBuildError): Check {
  const { name = code } = (cause ?? {}) as { name?: string }
  if (MISMATCH.test(name)) return wrappingMismatch(wrapped, name)
  const { fingerprint } = wrapped.pair
  // A plaintext that is not a private key fails in node:crypto, which has other codes.
  if (/^(KMS_|CREDENTIALS_|AWS_)/.test(code))
    return check('unchecked', 'pair', 'PAIR_UNVERIFIED', { fingerprint, message })
  return check('found', 'pair', 'PAIR_DIFFERS', { keyId: wrapped.blob.keyId, fingerprint })
}

async function openEntries(
  file: SecretsFile,
  verified: WrappedPair[],
  kms: KmsOpeningCalls,
): Promise<Check[]> {
  const pairs = only(file, verified)
  const { open } = opener(kms, pairs)
  const entries = [...file.secrets].filter(([, token]) => pairs.pairs.has(token.fingerprint))
  const closed = await Promise.all(
    entries.map(async ([name, token]) => {
      try {
        ;(await open(token, name)).fill(0)
        return []
      } catch (error) {
        return [check('found', 'entries', 'ENTRY_INVALID', { message: (error as Error).message })]
      }
    }),
  )
  const opened = entries.length - closed.flat().length
  return [
    ...closed.flat(),
    ...(opened
      ? [check('ok', 'entries', 'ENTRIES_OPEN', { opened, total: file.secrets.size })]
      : []),
  ]
}

const distinct = (checks: Check[]): Check[] => [
  ...new Map(checks.map((one) => [`${one.id} ${one.says}`, one])).values(),
]
