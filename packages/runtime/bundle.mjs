// @ts-check
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Bundles one file of src/ into the module that users' bundles contain: minified, since they may not
 * be.
 *
 * @param {'shim' | 'sync' | 'sync-worker' | 'process-env'} name
 * @param {'esm' | 'cjs'} [format]
 * @returns {Promise<string>} its code
 */
export async function bundleRuntime(name, format = 'esm') {
  const bundle = await rolldown({
    input: here(`src/${name}.ts`),
    platform: 'node',
    transform:
      name === 'sync'
        ? { define: { WORKER: JSON.stringify(await bundleRuntime('sync-worker', 'cjs')) } }
        : {},
  })
  const { output } = await bundle.generate({ format, minify: true })
  await bundle.close()
  return output[0].code
}
