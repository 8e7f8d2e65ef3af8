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

/** What KMS is to open, and what says so. */
export interface Wrapped {
  /** As messages call it. */
  what: string
  blob: WrappedPrivateKey
  encryptionContext: Record<string, string>
  /** Beside the context that is said: what to do where it does not open. */
  mend: string
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
      mend: 'look what changed in the file (git log), and restore it; npx unplugin-kms rewrap changes a context',
    })),
  )

/** KMS's names for what does not belong to this key or this context. */
const MISFIT = /^(InvalidCiphertext|IncorrectKey)/

const misfit = ({ what, blob, encryptionContext, mend }: Wrapped, name: string) =>
  check(
    'found',
    'wrapping',
    `KMS does not unwrap ${what} under ${blob.keyId} (${name}): encryption context, key or CiphertextBlob are not those it was wrapped with`,
    { fix: `the context is ${JSON.stringify(encryptionContext)} here: ${mend}` },
  )

/** A bundle in mode direct may have any number of ciphertexts, and KMS answers some a second. */
const AT_ONCE = 8

/** What the caller may do with the keys, by dry runs: nothing is unwrapped, nothing is made. */
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
    return check(
      'ok',
      'caller',
      `with ${KeyId} the caller ${may(decrypts, 'kms:Decrypt', 'open')}, ${may(makes, 'kms:GenerateDataKeyPairWithoutPlaintext', 'make data key pairs')}; sealing needs neither`,
    )
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
 * Proves the pairs: each CiphertextBlob is unwrapped, the public key derived and compared, then
 * every entry opened. Values are zeroed and go nowhere.
 */
export async function provePairs(
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
        return check(
          'ok',
          'pair',
          `${blob.keyId} unwraps ${pair.fingerprint}, and its public key is the one in the file`,
        )
      } catch (error) {
        noteUnreached(aws, (error as KmsBuildError).cause ?? error)
        return whyNot(wrapped, error as KmsBuildError)
      }
    }),
  )
  const proven = all.filter((_, index) => checks[index]!.status === 'ok')
  return distinct([...checks, ...(await openEntries(file, proven, kms))])
}

const only = ({ path }: SecretsFile, wrapped: WrappedPair[]) => ({
  path,
  pairs: new Map(wrapped.map(({ pair, blob }) => [pair.fingerprint, { ...pair, wrapped: [blob] }])),
})

function whyNot(wrapped: WrappedPair, { code, message, cause }: KmsBuildError): Check {
  const { name = code } = (cause ?? {}) as { name?: string }
  if (MISFIT.test(name)) return misfit(wrapped, name)
  // What is no private key at all fails in node:crypto, and has no code of ours.
  if (/^(KMS_|CREDENTIALS_|AWS_)/.test(code))
    return check('unchecked', 'pair', `whether ${wrapped.pair.fingerprint} opens: ${message}`)
  return check(
    'found',
    'pair',
    `the private key that ${wrapped.blob.keyId} unwraps for ${wrapped.pair.fingerprint} is not that of the public key in the file: someone exchanged one of them`,
    { fix: 'seal nothing to it, look who did (git log), and restore the line' },
  )
}

async function openEntries(
  file: SecretsFile,
  proven: WrappedPair[],
  kms: KmsOpeningCalls,
): Promise<Check[]> {
  const pairs = only(file, proven)
  const { open } = opener(kms, pairs)
  const entries = [...file.secrets].filter(([, token]) => pairs.pairs.has(token.fingerprint))
  const closed = await Promise.all(
    entries.map(async ([name, token]) => {
      try {
        ;(await open(token, name)).fill(0)
        return []
      } catch (error) {
        return [check('found', 'entries', (error as Error).message)]
      }
    }),
  )
  const opened = entries.length - closed.flat().length
  return [
    ...closed.flat(),
    ...(opened
      ? [check('ok', 'entries', `entries that open: ${opened} of ${file.secrets.size}`)]
      : []),
  ]
}

const distinct = (checks: Check[]): Check[] => [
  ...new Map(checks.map((one) => [`${one.id} ${one.says}`, one])).values(),
]
