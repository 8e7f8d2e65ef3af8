// CommonJS twins of the marker modules, for TypeScript projects that compile to CommonJS.
import { readFile, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'

const marks = ['marks', 'secret', 'secret-sync']
await build({
  entryPoints: marks.map((name) => `dist/secret/${name}.js`),
  outdir: 'dist/secret',
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  logLevel: 'warning',
})
for (const name of marks) {
  for (const [from, to] of [
    ['.cjs', '.cjs'],
    ['.d.ts', '.d.cts'],
  ]) {
    const text = await readFile(`dist/secret/${name}${from}`, 'utf8')
    await writeFile(`dist/secret/${name}${to}`, text.replaceAll('./marks.js', './marks.cjs'))
  }
}
