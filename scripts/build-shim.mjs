// Writes the modules that users' bundles contain.
import { writeFile } from 'node:fs/promises'
import { bundleRuntime } from '../packages/runtime/bundle.mjs'

for (const name of /** @type {const} */ (['shim', 'sync', 'process-env'])) {
  const file = new URL(`../packages/runtime/dist/${name}.bundle.js`, import.meta.url)
  await writeFile(file, await bundleRuntime(name))
}
