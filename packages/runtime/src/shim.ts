import { sealedSecret, secret, type As } from './secret.js'
import { shared } from './shared.js'
import { importKey, openMessage, type Open } from './open.js'
import { decrypting, type Settings } from './decrypt.js'
import { limit } from './limit.js'
import type { Wrapped } from './request.js'

// The next three are for ml-kem.ts, which is a module of its own and imports this one.
export { decrypting, sealedSecret, shared }
export type { As, Settings, Wrapped }

/** A lazy promise of the value, which replaces a mark in emitted code. */
export type Secret = Promise<unknown>

/**
 * Returns a function that opens the tokens of a data key pair, which is wrapped in one or several
 * regions or accounts. The unwrap happens once for all copies of the shim in the thread, and starts
 * now unless `start` is 'first-use'. A token is opened when it is first awaited, by `open`: tokens that a
 * build sealed have one of their own. The label of a named secret is its name, with which it was sealed.
 */
export function envelope(
  wrapped: Wrapped[],
  context: Record<string, string>,
  settings: Settings,
): (token: string, label: string, as?: As, open?: Open) => Secret {
  const blobs = JSON.stringify([context, wrapped]) as '[]'
  const unwrap = (shared()[blobs] ??= decrypting(
    wrapped,
    { EncryptionContext: context },
    settings,
    importKey,
    (blobs + 1) as `[]1`,
  ))
  if (settings.start !== 'first-use') unwrap(0).catch(() => {})
  return (token, label, as, open = openMessage) => sealedSecret(label, as, unwrap, open, token)
}

/**
 * Returns a secret with a ciphertext of its own: one kms:Decrypt when it is first awaited, at most
 * eight at a time.
 */
export function direct(
  wrapped: Wrapped[],
  context: Record<string, string>,
  label: string,
  as?: As,
  settings: Settings = {},
): Secret {
  const [[, , , EncryptionAlgorithm]] = wrapped as [Wrapped]
  const fields = EncryptionAlgorithm ? { EncryptionAlgorithm } : { EncryptionContext: context }
  const decrypt = decrypting(wrapped, fields, settings, (plaintext) => plaintext)
  return secret(label, as, () => limit(decrypt))
}
