// The scripts and the style of the HTML pages, each in one file that a page can contain.
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'
import { licensesOf } from './licenses.mjs'

const out = 'dist/pages/browser'
const shared = { bundle: true, minify: true, outdir: out, logLevel: 'warning' }
await mkdir(out, { recursive: true })
const { metafile } = await build({
  ...shared,
  entryPoints: ['seal', 'seal-ml-kem', 'report'].map((name) => `src/pages/browser/${name}.ts`),
  format: 'iife',
  platform: 'browser',
  target: 'es2022',
  metafile: true,
})
await writeFile(`${out}/LICENSES.txt`, await licensesOf(Object.keys(metafile.inputs)))
// The command line prints the same words.
await build({
  ...shared,
  entryPoints: ['src/pages/browser/pin-words.ts'],
  format: 'esm',
  platform: 'node',
})
await copyFile('src/pages/browser/page.css', `${out}/page.css`)
