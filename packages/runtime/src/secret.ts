import { errorOf } from './error.js'
import { once } from './once.js'

/** The form of an opened secret; text if absent. */
export type As = 'bytes' | 'json'

/**
 * Returns a promise that starts when it is first awaited, starts again after a failure, and shows its
 * label wherever it is printed. Its state lives in closures: no property contains a value.
 * `Promise.prototype` provides `catch` and `finally`, which call `then`.
 */
export function secret(
  label: string,
  as: As | undefined,
  decrypt: () => Promise<Buffer>,
): Promise<unknown> {
  const begin = async () => {
    try {
      const plaintext = await decrypt()
      // A copy with memory of its own: a Buffer may be a view of a pool that others share.
      if (as === 'bytes') return new Uint8Array(plaintext)
      const text = plaintext.toString()
      // Not UTF-8: toString() replaced something.
      if (plaintext.compare(Buffer.from(text))) throw 0
      return as ? JSON.parse(text) : text
    } catch (error: any) {
      // Other errors are dropped, unread: V8's errors quote the JSON that they cannot parse.
      throw errorOf(
        {
          code: 'OPEN_FAILED',
          why: `altered, renamed or not ${as ?? 'text'}`,
          ...(error.why && error),
          secret: label,
        },
        begin,
      )
    }
  }
  const open = once(begin)
  const refuse = () => {
    throw errorOf({ code: 'NOT_AWAITED', why: 'add `await`', secret: label }, refuse)
  }
  return Object.create({
    __proto__: Promise.prototype,
    // oxlint-disable-next-line unicorn/no-thenable -- a secret is awaited
    then: (ok: never, failed: never) => open().then(ok, failed),
    toString: refuse,
    [Symbol.toPrimitive]: refuse,
    toJSON: () => `[secret ${label}]`,
    [Symbol.toStringTag]: 'secret ' + label,
  })
}
