import type { BundleContents } from '../inspect/inspect.js'
import { check, type Check } from './check.js'
import type { WrappedBlob } from './wrapped.js'

/** Checks that every token of a bundle is valid and that the bundle contains its data key pair. */
export function checkBundle({ files, secrets, broken, notFollowed }: BundleContents): Check[] {
  const invalid = new Map(
    broken.map(({ file, reason }) => [`${file}: ${reason}`, { file, reason }]),
  )
  const withoutPair = secrets.filter(({ keys }) => !keys.length)
  const checks = [
    ...[...invalid.values()].map((data) => check('found', 'bundle', 'TOKEN_INVALID', data)),
    ...withoutPair.map(({ name, fingerprint }) =>
      check('unchecked', 'bundle', 'PAIR_MISSING', {
        fingerprint: String(fingerprint),
        ...(name && { name }),
      }),
    ),
    ...notFollowed.map((link) => check('unchecked', 'bundle', 'LINK_SKIPPED', { link })),
  ]
  if (checks.length) return checks
  return [check('ok', 'bundle', 'BUNDLE_COMPLETE', { secrets: secrets.length, files })]
}

/** Returns the blobs that KMS decrypts for the bundle: private keys, and secrets of mode direct. */
export function blobsInBundle({ secrets, dataKeyPairs }: BundleContents): WrappedBlob[] {
  const all = [
    ...dataKeyPairs.map((pair) => ({
      ...pair,
      what: `the private key of ${pair.fingerprint ?? 'a data key pair'}`,
    })),
    ...secrets
      .filter(({ mode }) => mode === 'direct')
      .map((secret) => ({ ...secret, what: String(secret.name) })),
  ]
  return all.flatMap(({ what, keys, blobs, encryptionContext }) =>
    keys.map((keyId, at) => ({
      what: `${what} in the bundle`,
      blob: { keyId, ciphertextBlob: blobs[at]! },
      encryptionContext,
      remedy: 'correct the key and context in the options or the mark, and build again',
    })),
  )
}
