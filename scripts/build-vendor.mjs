// Bundles Babel into the package: its 13 packages and 8 MB become two files. The compiled modules
// that load it are pointed to them.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'

const VENDORED = ['parser', 'traverse']
const USERS = ['parse', 'traverse']

const { metafile } = await build({
  entryPoints: Object.fromEntries(VENDORED.map((name) => [`babel-${name}`, `@babel/${name}`])),
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

for (const name of USERS) {
  const path = `dist/syntax/${name}.js`
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace(/'@babel\/(parser|traverse)'/g, "'../vendor/babel-$1.cjs'"))
}

const packages = new Set(
  Object.keys(metafile.inputs).flatMap(
    (path) => /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  ),
)
const licenses = await Promise.all(
  [...packages].sort().map(async (folder) => {
    const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name))
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
    const text = file ? await readFile(`${folder}/${file}`, 'utf8') : `License: ${license}\n`
    return `${name} ${version}\n\n${text}`
  }),
)
await mkdir('dist/vendor', { recursive: true })
await writeFile('dist/vendor/LICENSES.txt', licenses.join(`\n${'-'.repeat(80)}\n\n`))
