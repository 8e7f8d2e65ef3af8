// Bundles the published modules: an entry is one file, and what entries share is in dist/chunks. A
// plugin of a hundred files takes three times as long to load. tsc writes only the declarations.
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { licensesOf } from './licenses.mjs'
import { LOADER_ENTRIES, PATCHES } from './package-patches.mjs'
import { VENDORED, vendoredName } from './vendored.mjs'

/** Small packages that plugins or all commands load. They are development dependencies. */
const INLINED = [
  'magic-string',
  '@jridgewell/sourcemap-codec',
  'js-tokens',
  'es-module-lexer',
  'commander',
  '@commander-js/extra-typings',
]
/** Packages of which a small part is inlined, by the modules that import it. */
const INLINED_PARTS = {
  '@smithy/core/config': ['src/aws/configuration.ts'],
  '@aws-sdk/core/client': ['src/aws/endpoint.ts'],
  unplugin: ['rollup', 'rolldown', 'vite', 'webpack', 'rspack'].map(
    (name) => `src/bundlers/${name}.ts`,
  ),
}
const VENDORED_CALL = new RegExp(`require\\('(${VENDORED.join('|')})'\\)`, 'g')

const sources = (await readdir('src', { recursive: true })).filter(
  (path) => /\.c?[jt]s$/.test(path) && !path.startsWith('pages/browser/'),
)
const entries = await findEntries()
let getModuleInfo
const bundle = await rolldown({
  input: {
    ...Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    ...LOADER_ENTRIES,
  },
  platform: 'node',
  // The SDK has ES modules, which can be inlined in part, under this condition only.
  resolve: { conditionNames: ['module', 'node', 'import'] },
  external: (id, importer) => !/^[./]/.test(id) && !isInlined(id, importer),
  plugins: [
    {
      name: 'unplugin-kms-build',
      buildEnd() {
        getModuleInfo = this.getModuleInfo.bind(this)
      },
      transform: {
        filter: { code: VENDORED_CALL, id: /\/src\// },
        handler: (code) =>
          code.replace(
            VENDORED_CALL,
            (_, name) => `require('../vendor/${vendoredName(name)}.cjs')`,
          ),
      },
    },
    ...PATCHES,
  ],
  onLog(level, log) {
    throw new Error(`${level}: ${log.message}`)
  },
})
let shared
let common
let sealing
let program
let listing
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  entryFileNames: ({ name }) => (name.startsWith('unplugin/') ? '[name].mjs' : '[name].js'),
  chunkFileNames: 'chunks/[name].js',
  minifyInternalExports: false,
  codeSplitting: {
    groups: [
      { name: 'secrets-file', test: (id) => (common ??= findCommon()).has(id), priority: 3 },
      // Functions for services, which are bundled themselves: without the pipeline.
      { name: 'sealing', test: (id) => (sealing ??= findSealing()).has(id), priority: 2 },
      { name: 'pipeline', test: (id) => (shared ??= findShared()).has(id), priority: 1 },
      { name: 'unplugin', test: /\/node_modules\/unplugin\/dist\/(?!.*\/loaders\/)/ },
      { name: 'trust', test: (id) => (listing ??= findListing()).has(id) },
      // What all commands load.
      { name: 'command-line', test: (id) => (program ??= reachedFrom('cli/program')).has(id) },
    ],
  },
})
await bundle.close()
checkPlaces(output)
await removeStale(output)
const licenses = await licensesOf(output.flatMap(({ moduleIds }) => moduleIds))
await writeFile('dist/chunks/LICENSES.txt', licenses)
for (const path of sources.filter((path) => path.endsWith('.cjs')))
  await cp(`src/${path}`, `dist/${path}`)

function isInlined(id, importer) {
  if (INLINED.some((name) => `${id}/`.startsWith(`${name}/`))) return true
  if (importer === undefined || id.startsWith('node:')) return false
  return importer.includes('/node_modules/') || INLINED_PARTS[id]?.includes(relative('.', importer))
}

/** Returns what package.json exports and runs, and what loaders and threads import by its path. */
async function findEntries() {
  const { exports, bin } = JSON.parse(await readFile('package.json', 'utf8'))
  const published = JSON.stringify([exports, bin]).matchAll(/"\.\/dist\/([^"]+)\.js"/g)
  const names = new Set([...published].map(([, name]) => name))
  for (const path of sources) {
    const text = await readFile(`src/${path}`, 'utf8')
    for (const [, url] of text.matchAll(/new URL\(\s*'([^']+\.c?js)',\s*import\.meta\.url/g)) {
      // Code moves to dist/chunks: the path has to be right from any folder in src.
      const [, name] = /^\.\.\/([^.]+)\.c?js$/.exec(url) ?? []
      if (!name) throw new Error(`src/${path}: write the path of ${url} as '../folder/file.js'`)
      if (url.endsWith('.js')) names.add(name)
    }
    if (path.endsWith('.cjs'))
      for (const [, url] of text.matchAll(/import\('([^']+)\.js'\)/g))
        names.add(join(path, '..', url))
  }
  // The markers are not bundled: each is also a CommonJS module (build-marks.mjs).
  return [...names].filter((name) => !name.startsWith('secret/'))
}

/** Returns the modules that every plugin loads when it is imported. */
function findShared() {
  const plugins = entries.filter((name) => name.startsWith('bundlers/'))
  return plugins.map(reachedFrom).reduce((all, reached) => intersection(all, reached))
}

/** Returns those of them that all commands load, or that read a secrets file. */
function findCommon() {
  return findSharedBy(['cli/program', 'secrets/keys', 'secrets/list'])
}

/** Returns those of them that encrypt values in a running service. */
function findSealing() {
  return findSharedBy(['secrets/seal-token', 'secrets/encrypt-blob'])
}

/** Returns the modules that most commands load to read a secrets file, and that plugins do not need. */
function findListing() {
  return new Set(['secrets/keys', 'secrets/list'].flatMap((name) => [...reachedFrom(name)]))
}

function findSharedBy(names) {
  return intersection(findShared(), new Set(names.flatMap((name) => [...reachedFrom(name)])))
}

function intersection(one, other) {
  return new Set([...one].filter((id) => other.has(id)))
}

/** Returns the modules that a module loads, itself included. */
function reachedFrom(name) {
  const reached = new Set()
  const reach = (id) => {
    const info = reached.has(id) ? null : getModuleInfo(id)
    reached.add(id)
    info?.importedIds.forEach(reach)
  }
  reach(resolve(`src/${name}.ts`))
  return reached
}

/** Fails if code that finds files by its own place is in a folder of another depth. */
function checkPlaces(output) {
  for (const { fileName, code } of output)
    if (/new URL\([^)]*import\.meta\.url/.test(code) && fileName.split('/').length !== 2)
      throw new Error(
        `dist/${fileName}: code that uses import.meta.url is not one folder below dist`,
      )
}

/** Removes modules of earlier builds. */
async function removeStale(output) {
  const written = new Set(output.map(({ fileName }) => fileName))
  for (const path of await readdir('dist', { recursive: true }))
    if (/\.m?js$/.test(path) && !written.has(path) && !/^(secret|pages\/browser)\//.test(path))
      await rm(join('dist', path))
}
