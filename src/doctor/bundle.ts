import type { Built } from '../inspect/inspect.js'
import { check, type Check } from './check.js'
import type { Wrapped } from './wrapped.js'

/** Whether what was built is whole: every token can be opened, by a pair that is there. */
export function checkBundle({ files, secrets, broken, notFollowed }: Built): Check[] {
  const found = [...new Set(broken.map(({ file, reason }) => `${file}: ${reason}`))].map((what) =>
    check('found', 'bundle', `a token that can never be opened stands in ${what}`, {
      fix: 'build again',
    }),
  )
  const alone = secrets.filter(({ keys }) => !keys.length)
  const unseen = [
    ...alone.map(
      ({ name, fingerprint }) =>
        `${name ?? 'a token without a name'} is sealed to the data key pair ${fingerprint}, which is not in what was read: give all that the build wrote`,
    ),
    ...notFollowed.map((link) => `${link} is a link that leads out of the bundle`),
  ].map((what) => check('unchecked', 'bundle', what))
  if (found.length || unseen.length) return [...found, ...unseen]
  return [
    check(
      'ok',
      'bundle',
      `every token can be opened (secrets: ${secrets.length}, files: ${files})`,
    ),
  ]
}

/** What the bundle has KMS open: each private key, and each secret in mode direct. */
export function wrappedInBundle({ secrets, dataKeyPairs }: Built): Wrapped[] {
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
      mend: 'correct key and context in options or mark, and build again',
    })),
  )
}
