import { readdir, readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('../src/', import.meta.url))

/** The layers of `src/`. A folder imports only from itself and from folders above it in this list. */
const LAYERS = [
  'printable.ts',
  'errors.ts',
  'secret',
  'crypto',
  'util',
  'syntax',
  'options',
  'aws',
  'secrets-file',
  'embedded',
  'pipeline',
  'testing',
  'bundlers',
  'frameworks',
  'bundle',
  'secrets',
  'inspect',
  'policy',
  'cdk',
  'doctor',
  'fleet',
  'pages',
  'cli',
  'api',
]
/** The entries of the package, which may import everything but the command line. */
const ENTRIES = ['index.ts', 'runtime.ts', 'credentials-imds.ts', 'credentials-web-identity.ts']

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)'(\.[^']+)'/g

/** Returns the layer of a path relative to `src/`: its first segment. */
const layerOf = (path: string) => path.split('/')[0]!

/** Returns the imports of a module that point down the list, as `importer -> imported`. */
function upwardImports(path: string, code: string): string[] {
  return [...code.matchAll(IMPORT)]
    .map(([, specifier]) => posix.join(posix.dirname(path), specifier!))
    .filter((target) => LAYERS.indexOf(layerOf(target)) > LAYERS.indexOf(layerOf(path)))
    .map((target) => `${path} -> ${target}`)
}

it('each folder imports only from the layers above', async () => {
  const paths = (await readdir(SRC, { recursive: true })).filter((path) => /\.[cm]?ts$/.test(path))
  expect(paths.length).toBeGreaterThan(100)
  const unknown = paths.map(layerOf).filter((layer) => ![...LAYERS, ...ENTRIES].includes(layer))
  expect([...new Set(unknown)]).toEqual([])
  const layered = paths.filter((path) => !ENTRIES.includes(path))
  const modules = await Promise.all(
    layered.map(async (path) => upwardImports(path, await readFile(SRC + path, 'utf8'))),
  )
  expect(modules.flat()).toEqual([])
})

it('the check recognizes an import against the layers', () => {
  expect(upwardImports('crypto/seal.ts', "import { kms } from '../aws/kms.js'")).toEqual([
    'crypto/seal.ts -> aws/kms.js',
  ])
  expect(upwardImports('aws/kms.ts', "const { seal } = await import('../crypto/seal.js')")).toEqual(
    [],
  )
})
