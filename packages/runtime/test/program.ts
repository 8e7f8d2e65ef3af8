import { build } from 'esbuild'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleRuntime } from '../bundle.mjs'
import type { Wrapped } from '../src/shim.js'
import { CONTEXT } from './world.js'

/** The module that the plugin emits for a data key pair. */
export const pairModule = (wrapped: Wrapped[], settings: object = {}) =>
  `import { envelope } from './shim.mjs'\nexport const pair = /* @__PURE__ */ envelope(${[wrapped, CONTEXT, settings].map((arg) => JSON.stringify(arg)).join(', ')})\n`

/**
 * Bundles `code` as a user's build would. It may import './shim.mjs', './sync.mjs', './process-env.mjs',
 * and `pair` from './pair.mjs'.
 */
export async function bundle(
  code: string,
  pair = '',
  format: 'esm' | 'cjs' = 'esm',
  minify = true,
) {
  const folder = mkdtempSync(join(tmpdir(), 'program-'))
  for (const name of ['shim', 'sync', 'process-env'] as const) {
    if (name === 'shim' || code.includes(`./${name}.mjs`)) {
      writeFileSync(join(folder, `${name}.mjs`), await bundleRuntime(name))
    }
  }
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
