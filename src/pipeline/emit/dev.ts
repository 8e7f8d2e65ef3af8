import { Buffer } from 'node:buffer'
import { createRequire } from 'node:module'
import type { Format } from '../../secret/format.js'
import type { Opening } from './emit.js'

/** What a mark imports where its value is known while developing: no ciphertext, no KMS. */
export const DEV = './unplugin-kms.dev'

/** A call that gives the same lazy promise as in production, of a value that stands in the module. */
export const devOpening = (value: Uint8Array, name: string, format: Format): Opening => ({
  from: DEV,
  export: 'known',
  // base64, so that no frame of a stack trace or test report shows the value as it is.
  args: [Buffer.from(value).toString('base64'), name, ...(format === 'text' ? [] : [format])],
})

/** Alone in the runtime to need neither network nor cryptography, nor then a real Node beneath it. */
export function devModule(): string {
  const secret = createRequire(import.meta.url).resolve('@unplugin-kms/runtime/secret')
  return (
    `import { secret } from ${JSON.stringify(secret)};\n` +
    `export const known = (value, name, as) => secret(name, as, async () => Buffer.from(value, 'base64'));\n`
  )
}
