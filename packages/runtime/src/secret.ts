import { errorOf } from './error.js'
import { once } from './once.js'

/** The form of an opened secret; text if absent. */
export type As = 'bytes' | 'json'

/** How each secret is opened, and its label. */
const states = new WeakMap<object, [open: () => Promise<unknown>, label: string]>()

/** The prototype of all secrets. With one each, 1,000 of them take 5 ms and 2 MB more. */
let prototype: object | undefined

function refuse(this: object): never {
  throw errorOf({ code: 'NOT_AWAITED', why: 'add `await`', secret: states.get(this)![1] }, refuse)
}

/**
 * Returns a promise that starts when it is first awaited, starts again after a failure, and shows its
 * label wherever it is printed. Its state is in a WeakMap: no property contains a value.
 * `Promise.prototype` provides `catch` and `finally`, which call `then`. `open` receives what `unwrap`
 * resolves to. It is called after the await, so that no plaintext waits in memory for the others.
 */
export function sealedSecret<Key>(
  label: string,
  as: As | undefined,
  unwrap: () => Promise<Key>,
  open: (key: Key, token: string, label: string) => Buffer,
  token?: string,
): Promise<unknown> {
  const begin = async () => {
    try {
      const plaintext = open(await unwrap(), token!, label)
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
  const lazy = {
    __proto__: (prototype ??= {
      __proto__: Promise.prototype,
      // oxlint-disable-next-line unicorn/no-thenable -- a secret is awaited
      then(ok: never, failed: never) {
        return states.get(this)![0]().then(ok, failed)
      },
      toString: refuse,
      // Buffer.from() calls it.
      valueOf: refuse,
      toJSON() {
        return `[secret ${states.get(this)![1]}]`
      },
      get [Symbol.toStringTag]() {
        return `secret ${states.get(this)![1]}`
      },
    }),
  } as any
  states.set(lazy, [once(begin), label])
  return lazy
}

/** Returns the secret of a plaintext that `decrypt` resolves to. */
export const secret = (
  label: string,
  as: As | undefined,
  decrypt: () => Promise<Buffer>,
): Promise<unknown> => sealedSecret(label, as, decrypt, (plaintext) => plaintext)
