import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
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

// What the shim weighs, rounded up. The design asks for 4096, 2048 and 3584: docs/runtime.md says why not.
test('an envelope costs no more than 5968 bytes minified, 3264 gzipped', async () => {
  const { minified, gzip } = await envelope()
  expect(minified).toBeLessThanOrEqual(5968)
  expect(gzip).toBeLessThanOrEqual(3264)
})

test('direct secrets alone cost no more than 4832 bytes minified', async () => {
  const { minified, text } = await direct()
  expect(minified).toBeLessThanOrEqual(4832)
  expect(text).not.toMatch(/prime256v1|HPKE/)
})

test('nothing is left of a shim that nobody uses', async () => {
  const { text } = await bundle('export const a = 1', pairModule([WRAPPED]))
  expect(text).toMatch(/^var (\w)=1;export\{\1( as a)?\};\n$/)
})

test('imports node’s own modules alone, and node:http, undici and fetch never at load', async () => {
  const { text } = await envelope()
  const eager = [...text.matchAll(/import\s*(?:[\w${},*\s]+from\s*)?["']([^"']+)["']/g)].map(
    ([, from]) => from,
  )
  expect(new Set(eager)).toEqual(new Set(['node:crypto', 'node:https']))
  expect(text.match(/import\("node:http"\)/g)).toHaveLength(1)
  expect(text).not.toMatch(
    /fetch\(|aws-sdk|smithy|undici|eval\(|new Function|console\.|require\(|[^\x00-\x7f]/,
  )
})
