import type { KMSClient } from '@aws-sdk/client-kms'
import { parseKeyArn } from '../aws/key-arn.js'
import { kmsOpeningCalls, type KmsOpeningCalls } from '../aws/kms-decrypt.js'
import type { DataKeyPair, WrappedPrivateKey } from '../crypto/data-key-pair.js'
import type { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options/types.js'
import { opener } from '../secrets-file/open.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { ask, noteUnreached, reason, type Answer } from './ask.js'
import { check, type Check } from './check.js'

/** A CiphertextBlob that KMS has to decrypt. */
export interface Wrapped {
  /** Its name in messages. */
  what: string
  blob: WrappedPrivateKey
  encryptionContext: Record<string, string>
  /** What to do if KMS cannot decrypt it with this context. */
  remedy: string
}

interface WrappedPair extends Wrapped {
  pair: DataKeyPair
}

export const wrappedInFile = ({ pairs }: SecretsFile): WrappedPair[] =>
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

/** KMS's errors for a blob of another key or context. */
const MISFIT = /^(InvalidCiphertext|IncorrectKey)/

const misfit = ({ what, blob, encryptionContext, remedy }: Wrapped, name: string) =>
  check('found', 'wrapping', 'WRAPPING_INVALID', {
    what,
    keyId: blob.keyId,
    name,
    encryptionContext,
    remedy,
  })

/** Calls at the same time: a bundle in mode direct may have any number of ciphertexts. */
const AT_ONCE = 8

/** Checks what the caller may do with the keys, by dry runs: nothing is decrypted or created. */
export async function checkCaller(
  all: Wrapped[],
  clientFor: (region?: string) => Promise<KMSClient>,
): Promise<Check[]> {
  const { DecryptCommand, GenerateDataKeyPairWithoutPlaintextCommand } =
    await import('@aws-sdk/client-kms')
  const examine = async (wrapped: Wrapped) => {
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
            KeyPairSpec: 'ECC_NIST_P256',
          }),
        ),
      ),
    ])
    if (!('got' in decrypts) && MISFIT.test(decrypts.name)) return misfit(wrapped, decrypts.name)
    return check('ok', 'caller', 'CALLER_PERMISSIONS', {
      keyId: KeyId,
      decrypt: may(decrypts, 'kms:Decrypt', 'decrypt'),
      generate: may(makes, 'kms:GenerateDataKeyPairWithoutPlaintext', 'create data key pairs'),
    })
  }
  const checks: Check[] = []
  for (let at = 0; at < all.length; at += AT_ONCE)
    checks.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(examine))))
  return distinct(checks)
}

function may(answer: Answer<unknown>, action: string, what: string): string {
  if ('got' in answer || answer.name === 'DryRunOperationException') return `may ${what}`
  if (answer.refused === 'denied') return `may not ${what}`
  return `may perhaps ${what} (${reason(answer, action)})`
}

/**
 * Verifies the pairs: unwraps each CiphertextBlob, derives the public key and compares it, then opens
 * every entry. Values are zeroed.
 */
export async function verifyPairs(
  file: SecretsFile,
  aws: AwsOptions,
  isBroken: (keyArn: string) => boolean,
): Promise<Check[]> {
  const kms = kmsOpeningCalls(aws)
  const all = wrappedInFile(file).filter(({ blob }) => !isBroken(blob.keyId))
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
  if (MISFIT.test(name)) return misfit(wrapped, name)
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
