import { KmsSecretError } from './error.js'
import { once } from './once.js'

/** What a secret becomes; absent: text. */
export type As = 'bytes' | 'json'

/**
 * A promise that begins when it is first awaited, begins anew after a failure, and shows its label
 * wherever it is printed. Its state lives in closures: no property leads to a value.
 * `Promise.prototype` brings `catch` and `finally`, which call `then`.
 */
export function secret(
  label: string,
  as: As | undefined,
  decrypt: () => Promise<Buffer>,
): Promise<unknown> {
  const open = once(async () => {
    try {
      const plaintext = await decrypt()
      // A copy with memory of its own: a Buffer may be a view of a pool that others share.
      if (as === 'bytes') return new Uint8Array(plaintext)
      const text = new TextDecoder('utf8', { fatal: true, ignoreBOM: true }).decode(plaintext)
      return as ? JSON.parse(text) : text
    } catch (error: any) {
      // What is no `Failure` is dropped, unseen: V8's errors quote the JSON that they cannot read.
      throw new KmsSecretError({
        code: 'OPEN_FAILED',
        why: `altered, renamed or no ${as ?? 'text'}`,
        ...(error.why && error),
        secret: label,
      })
    }
  })
  const refuse = () => {
    throw new KmsSecretError({ code: 'NOT_AWAITED', why: 'not awaited', secret: label })
  }
  const shown = `secret ${label}`
  return Object.create({
    __proto__: Promise.prototype,
    // oxlint-disable-next-line unicorn/no-thenable -- a secret is awaited
    then: (ok: never, failed: never) => open().then(ok, failed),
    toString: refuse,
    [Symbol.toPrimitive]: refuse,
    toJSON: () => `[${shown}]`,
    [Symbol.toStringTag]: shown,
  })
}
