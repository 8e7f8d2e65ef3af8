import { Buffer } from 'node:buffer'
import { createRequire } from 'node:module'
import type { Format } from '../../secret/format.js'
import type { ShimCall } from './emit.js'

/** The module that a mark imports for a value of the option `dev.values`: without ciphertext and KMS. */
export const DEV = './unplugin-kms.dev'

/** Returns a call with the value itself, which returns the same lazy promise as in production. */
export const devCall = (value: Uint8Array, name: string, format: Format): ShimCall => ({
  from: DEV,
  export: 'known',
  // base64, so that stack traces and test reports do not show the value.
  args: [Buffer.from(value).toString('base64'), name, ...(format === 'text' ? [] : [format])],
})

/** The only part of the runtime without network and cryptography, so it also runs under jsdom. */
export function devModule(): string {
  const secret = createRequire(import.meta.url).resolve('@unplugin-kms/runtime/secret')
  return (
    `import { secret } from ${JSON.stringify(secret)};\n` +
    `export const known = (value, name, as) => secret(name, as, async () => Buffer.from(value, 'base64'));\n`
  )
}
