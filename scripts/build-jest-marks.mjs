// The CommonJS twin of what the Jest transform adds to modules: Jest runs them as CommonJS by default.
import { readFile, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'

await build({
  entryPoints: ['src/testing/jest-marks.ts'],
  outfile: 'dist/testing/jest-marks.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'warning',
})
await writeFile(
  'dist/testing/jest-marks.d.cts',
  await readFile('dist/testing/jest-marks.d.ts', 'utf8'),
)
