import { readFile } from 'node:fs/promises'
import { transform } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { mentionsMarker, residue } from '../../../src/pipeline/leak-check/residue.js'

const bundle = (name: string) =>
  new URL(`../../../packages/runtime/dist/${name}.bundle.js`, import.meta.url)

describe.each(['shim', 'sync', 'process-env'])('an output with %s', (name) => {
  it.each([false, true])(
    'is searched for marks without being parsed (minified: %s)',
    async (minify) => {
      const { code } = await transform(await readFile(bundle(name), 'utf8'), { minify })
      expect(mentionsMarker(code)).toBe(false)
    },
  )
})

it.each([
  'import { secret } from "unplugin-kms"',
  'const { secret } = await import("unplugin-kms" + "/secret")',
  'Symbol.for("unplugin-kms"); require("unplugin-kms/secret")',
])('reports %s as a mark that was not transformed', (code) => {
  expect(residue(code, 'out.js')).toBe('mark')
})
