// @ts-check
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Bundles one file of src/ into the module that users' bundles contain: minified, since they may not
 * be.
 *
 * @param {'shim' | 'sync' | 'sync-worker' | 'process-env' | 'open-token' | 'ml-kem' | 'ml-kem-sync'} name
 * @param {'esm' | 'cjs'} [format]
 * @returns {Promise<string>} its code
 */
export async function bundleRuntime(name, format = 'esm') {
  return generate(
    name,
    { format },
    /^(?:ml-kem-)?sync$/.test(name) ? { WORKER: await workerCode() } : {},
  )
}

/**
 * Bundles a file of src/ into one expression, an object of its exports. Its only free name is
 * `globalThis`: a module that the expression is put into may declare any other.
 *
 * @param {'entry' | 'entry-sync' | 'entry-ml-kem' | 'entry-ml-kem-sync'} name
 * @returns {Promise<string>} its code, on one line
 */
export async function bundleEntry(name) {
  const define = Object.fromEntries(GLOBALS.map((global) => [global, `globalThis.${global}`]))
  const code = await generate(
    name,
    {
      format: 'iife',
      name: 'entry',
      // It would name Object and Symbol.
      generatedCode: { symbols: false },
      globals: (id) => `globalThis.process.getBuiltinModule(${JSON.stringify(id)})`,
    },
    name.endsWith('sync') ? { ...define, WORKER: await workerCode() } : define,
  )
  return code
    .trim()
    .replace(/^var entry=/, '')
    .replace(/;$/, '')
}

/** Globals that the runtime uses. A test checks that none is missing. */
const GLOBALS = [
  'AbortSignal',
  'Atomics',
  'Buffer',
  'Date',
  'Error',
  'Int32Array',
  'JSON',
  'Map',
  'Math',
  'Object',
  'Promise',
  'Proxy',
  'Reflect',
  'Set',
  'SharedArrayBuffer',
  'String',
  'Symbol',
  'TypeError',
  'URL',
  'Uint8Array',
  'WeakMap',
  'process',
  'setTimeout',
]

const workerCode = async () => JSON.stringify(await bundleRuntime('sync-worker', 'cjs'))

/**
 * @param {string} name
 * @param {import('rolldown').OutputOptions} output
 * @param {Record<string, string>} define
 */
async function generate(name, output, define) {
  const bundle = await rolldown({
    input: here(`src/${name}.ts`),
    platform: 'node',
    // It imports the shim as the modules of a build import it.
    external: name === 'ml-kem' ? [/\/shim\.js$/] : [],
    transform: { define },
  })
  const { output: files } = await bundle.generate({
    paths: (id) => (id.endsWith('shim.js') ? './unplugin-kms.shim' : id),
    ...output,
    minify: true,
  })
  await bundle.close()
  return files[0].code
}
