import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import type { Wrapped } from '../src/shim.js'
import { bundle, pairModule } from './program.js'

const CONSTANTS = [
  'arn:aws:kms:us-east-1:111122223333:key/1234',
  'kms.us-east-1.amazonaws.com',
  'AQID'.repeat(60),
]
const WRAPPED = CONSTANTS as unknown as Wrapped
const TOKEN = `kms:v1:${'QUJD'.repeat(34)}`

/** Bytes, minified and gzipped, of a bundle less the constants that belong to its one secret. */
async function sizes(code: string, pair: string, constants: string[]) {
  let { text } = await bundle(code, pair)
  for (const constant of constants) {
    expect(text).toContain(constant)
    text = text.replace(constant, '')
  }
  return { minified: text.length, gzip: gzipSync(text, { level: 9 }).length, text }
}

const envelope = async () =>
  sizes(
    `import { pair } from './pair.mjs'\nexport const secret = /* @__PURE__ */ pair(${JSON.stringify(TOKEN)}, "DB")`,
    pairModule([WRAPPED]),
    [...CONSTANTS, TOKEN],
  )

const direct = async () =>
  sizes(
    `import { direct } from './shim.mjs'\nexport const secret = /* @__PURE__ */ direct(${JSON.stringify([WRAPPED])}, {}, "DB")`,
    '',
    CONSTANTS,
  )

// docs/runtime.md lists what each part costs.
it('adds at most 5,965 bytes for an envelope, 3,255 gzipped', async () => {
  const { minified, gzip } = await envelope()
  expect(minified).toBeLessThanOrEqual(5965)
  expect(gzip).toBeLessThanOrEqual(3255)
})

it('adds at most 4,955 bytes for direct secrets, without HPKE', async () => {
  const { minified, text } = await direct()
  expect(minified).toBeLessThanOrEqual(4955)
  expect(text).not.toMatch(/prime256v1|HPKE/)
})

it('adds nothing if no secret is used', async () => {
  const { text } = await bundle('export const a = 1', pairModule([WRAPPED]))
  expect(text).toMatch(/^var (\w)=1;export\{\1( as a)?\};\n$/)
})

it('imports nothing but node:crypto, and loads the rest without import()', async () => {
  const { text } = await envelope()
  const imports = [...text.matchAll(/import\s*(?:[\w${},*\s]+from\s*)?["']([^"']+)["']/g)]
  expect(imports.map(([, from]) => from)).toEqual(['node:crypto'])
  expect(text).not.toMatch(
    /import\(|fetch\(|aws-sdk|smithy|undici|eval\(|new Function|console\.|require\(|[^\x00-\x7f]/,
  )
})
