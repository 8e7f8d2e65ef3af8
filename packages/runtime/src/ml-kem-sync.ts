import { errorOf } from './error.js'
import { importMlKem, unsupported } from './import-ml-kem.js'
import { openToken } from './open-token.js'
import { envelopeSync } from './sync.js'

/**
 * Returns a function that opens the tokens of an ML-KEM pair synchronously, as `envelopeSync` does for
 * P-256. KMS is not called if this node cannot open them.
 */
export const mlKemEnvelopeSync: typeof envelopeSync = (wrapped, context, settings) => {
  const open = envelopeSync(wrapped, context, settings, importMlKem)
  return function openMlKem(token, label, as) {
    const failure = unsupported()
    if (failure) throw errorOf({ ...failure, secret: label }, openMlKem)
    return open(token, label, as, openToken)
  }
}
