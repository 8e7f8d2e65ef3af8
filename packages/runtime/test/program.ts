import { build } from 'esbuild'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Wrapped } from '../src/shim.js'
import { CONTEXT } from './world.js'

const SHIM = fileURLToPath(new URL('../src/shim.ts', import.meta.url))

/** The shim as it is published: one ES module. */
export async function shimSource(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [SHIM],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  })
  return outputFiles[0]!.text
}

/** The module that the plugin emits for a data key pair. */
export const pairModule = async (wrapped: Wrapped[], settings: object = {}) =>
  `${await shimSource()}\nexport const pair = /* @__PURE__ */ envelope(${[wrapped, CONTEXT, settings].map((arg) => JSON.stringify(arg)).join(', ')})\n`

/** Bundles `code`, which may import `pair` from './pair.mjs', as a user's build would. */
export async function bundle(code: string, pair: string, format: 'esm' | 'cjs' = 'esm') {
  const folder = mkdtempSync(join(tmpdir(), 'program-'))
  writeFileSync(join(folder, 'pair.mjs'), pair)
  writeFileSync(join(folder, 'entry.mjs'), code)
  const outfile = join(folder, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs')
  await build({
    entryPoints: [join(folder, 'entry.mjs')],
    outfile,
    bundle: true,
    minify: true,
    format,
    platform: 'node',
    target: 'node20',
  })
  return { file: outfile, text: await readFile(outfile, 'utf8') }
}
