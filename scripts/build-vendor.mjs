// Bundles packages that are loaded when they are needed. Babel's 13 packages and 8 MB become two files.
import { mkdir, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'
import { licensesOf } from './licenses.mjs'
import { VENDORED, vendoredName } from './vendored.mjs'

const { metafile } = await build({
  entryPoints: Object.fromEntries(VENDORED.map((name) => [vendoredName(name), name])),
  outdir: 'dist/vendor',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  minify: true,
  // Error messages and visitors name constructors and functions.
  keepNames: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
})
await mkdir('dist/vendor', { recursive: true })
await writeFile('dist/vendor/LICENSES.txt', await licensesOf(Object.keys(metafile.inputs)))
