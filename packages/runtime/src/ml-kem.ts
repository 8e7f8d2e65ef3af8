import type { As, Secret, Settings, Wrapped } from './shim.js'
import { decrypting, sealedSecret, shared } from './shim.js'
import { importMlKem, unsupported } from './import-ml-kem.js'
import type { Open } from './open.js'
import { openToken } from './open-token.js'

/**
 * Returns a function that opens the tokens of an ML-KEM pair, as the shim's `envelope` does for P-256.
 * KMS is not called if this node cannot open them.
 */
export function envelope(
  wrapped: Wrapped[],
  context: Record<string, string>,
  settings: Settings,
): (token: string, label: string, as?: As, open?: Open) => Secret {
  const failure = unsupported()
  const blobs = JSON.stringify([context, wrapped]) as '[]'
  const unwrap = failure
    ? () => Promise.reject(failure)
    : (shared()[blobs] ??= decrypting(
        wrapped,
        { EncryptionContext: context },
        settings,
        importMlKem,
        (blobs + 1) as `[]1`,
      ))
  if (settings.start !== 'first-use') unwrap(0).catch(() => {})
  return (token, label, as) => sealedSecret(label, as, unwrap, openToken, token)
}
