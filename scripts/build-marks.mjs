// The marker modules, which are not bundled: ES modules, and CommonJS twins for TypeScript projects
// that compile to CommonJS.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const marks = ['marks', 'secret', 'secret-sync']
const shared = {
  entryPoints: marks.map((name) =>
    fileURLToPath(new URL(`../src/secret/${name}.ts`, import.meta.url)),
  ),
  outdir: 'dist/secret',
  logLevel: 'warning',
}
await build({ ...shared, format: 'esm' })
await build({ ...shared, format: 'cjs', outExtension: { '.js': '.cjs' } })
for (const name of marks) {
  for (const [from, to] of [
    ['.cjs', '.cjs'],
    ['.d.ts', '.d.cts'],
  ]) {
    const text = await readFile(`dist/secret/${name}${from}`, 'utf8')
    await writeFile(`dist/secret/${name}${to}`, text.replaceAll('./marks.js', './marks.cjs'))
  }
}
