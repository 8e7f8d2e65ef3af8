import { build } from 'esbuild'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown, type BuildOptions, type OutputOptions } from 'rolldown'
import config from '../rolldown.config.mjs'
import type { Wrapped } from '../src/shim.js'
import { CONTEXT } from './world.js'

/** The shim as it is published: one ES module. */
async function shimSource(): Promise<string> {
  const { output, ...input } = config as BuildOptions & { output: OutputOptions }
  const bundle = await rolldown(input)
  return (await bundle.generate(output)).output[0].code
}

/** The module that the plugin emits for a data key pair. */
export const pairModule = (wrapped: Wrapped[], settings: object = {}) =>
  `import { envelope } from './shim.mjs'\nexport const pair = /* @__PURE__ */ envelope(${[wrapped, CONTEXT, settings].map((arg) => JSON.stringify(arg)).join(', ')})\n`

/** Bundles `code`, which may import './shim.mjs' and `pair` from './pair.mjs', as a user's build would. */
export async function bundle(
  code: string,
  pair = '',
  format: 'esm' | 'cjs' = 'esm',
  minify = true,
) {
  const folder = mkdtempSync(join(tmpdir(), 'program-'))
  writeFileSync(join(folder, 'shim.mjs'), await shimSource())
  writeFileSync(join(folder, 'pair.mjs'), pair)
  writeFileSync(join(folder, 'entry.mjs'), code)
  const outfile = join(folder, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs')
  await build({
    entryPoints: [join(folder, 'entry.mjs')],
    outfile,
    bundle: true,
    minify,
    format,
    platform: 'node',
    target: 'node20',
  })
  return { file: outfile, text: await readFile(outfile, 'utf8') }
}
