import { decrypting, type Settings } from './decrypt.js'
import { limit } from './limit.js'
import { importKey } from './open.js'
import type { Wrapped } from './request.js'
import { secret, type As } from './secret.js'
import { shared } from './shared.js'

export type { As, Settings, Wrapped }

/** What emitted code holds in place of a mark: a lazy promise of the value. */
export type Secret = Promise<unknown>

/**
 * A data key pair, wrapped in one or several regions or accounts. Its unwrap, one for all copies of the
 * shim in the thread, begins now unless `start` is 'first-use'; a token is opened when it is first
 * awaited. A named secret's label is its name, which its seal binds.
 */
export function envelope(
  wrapped: Wrapped[],
  context: Record<string, string>,
  settings: Settings,
): (token: string, label: string, as?: As) => Secret {
  const unwrap = (shared()[JSON.stringify([wrapped, context]) as '['] ??= decrypting(
    wrapped,
    { EncryptionContext: context },
    settings,
    importKey,
  ))
  return (token, label, as) => secret(label, as, async () => (await unwrap())(token, label))
}

/** A secret of its own: one kms:Decrypt when it is first awaited, at most eight at a time. */
export function direct(
  wrapped: Wrapped[],
  context: Record<string, string>,
  label: string,
  as?: As,
  settings: Settings = {},
): Secret {
  const [[, , , EncryptionAlgorithm]] = wrapped as [Wrapped]
  const fields = EncryptionAlgorithm ? { EncryptionAlgorithm } : { EncryptionContext: context }
  const decrypt = decrypting(
    wrapped,
    fields,
    { ...settings, start: 'first-use' },
    (plaintext) => plaintext,
  )
  return secret(label, as, () => limit(decrypt))
}
