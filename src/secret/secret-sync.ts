import { untransformed, type SyncMarks } from './marks.js'

export type { SecretName, SecretNames } from './marks.js'

/**
 * Marks a secret that is a plain value. The module waits for its decryption (top-level await), so the
 * output must be ESM.
 *
 * @example
 * ```ts
 * import { secret } from 'unplugin-kms/secret/sync'
 * const stripe = new Stripe(secret.env('STRIPE_KEY'))
 * ```
 */
export const secret: SyncMarks = untransformed(true)
