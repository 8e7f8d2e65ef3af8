import { untransformed, type SyncMarks } from './marks.js'

export type { SecretName, SecretNames } from './marks.js'

/**
 * Marks a secret that is a plain value. An ES module waits for its decryption (top-level await);
 * CommonJS blocks the thread until it is done.
 *
 * @example
 * ```ts
 * import { secret } from 'unplugin-kms/secret/sync'
 * const stripe = new Stripe(secret.env('STRIPE_KEY'))
 * ```
 */
export const secret: SyncMarks = untransformed(true)
