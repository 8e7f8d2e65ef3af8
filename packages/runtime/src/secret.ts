import { fail, KmsSecretError } from './error.js'
import { once } from './once.js'

export type As = 'bytes' | 'json'

export function secret(label: string, as: As | undefined, decrypt: () => Promise<Buffer>): Promise<unknown> {
  const open = once(async () => {
    try {
      const plaintext = await decrypt()
      if (as === 'bytes') return new Uint8Array(plaintext)
      const text = new TextDecoder('utf8', { fatal: true, ignoreBOM: true }).decode(plaintext)
      return as ? JSON.parse(text) : text
    } catch (error: any) {
      throw new KmsSecretError({ code: 'OPEN_FAILED', reason: 'altered, or not what the mark says', ...(error.reason && error), secret: label })
    }
  })
  const refuse = () => fail('NOT_AWAITED', 'await it first', { secret: label })
  return Object.create({
    __proto__: Promise.prototype,
    then: (ok: never, failed: never) => open().then(ok, failed),
    toString: refuse,
    [Symbol.toPrimitive]: refuse,
    toJSON: () => `[secret ${label}]`,
    [Symbol.toStringTag]: `secret ${label}`,
  })
}
