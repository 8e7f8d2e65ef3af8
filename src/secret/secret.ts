import { untransformed, type Marks } from './marks.js'

export type { Secret, SecretName, SecretNames } from './marks.js'

/**
 * Marks a secret that the build replaces by ciphertext; awaiting it opens it.
 *
 * @example
 * ```ts
 * import { secret } from 'unplugin-kms/secret'
 * const stripe = new Stripe(await secret.env('STRIPE_KEY'))
 * ```
 */
export const secret: Marks = untransformed()
