// Writes the code that users' bundles contain.
import { writeFile } from 'node:fs/promises'
import { bundleEntry, bundleRuntime } from '../packages/runtime/bundle.mjs'

const write = (/** @type {string} */ name, /** @type {string} */ code) =>
  writeFile(new URL(`../packages/runtime/dist/${name}.bundle.js`, import.meta.url), code)

for (const name of /** @type {const} */ (['shim', 'sync', 'process-env']))
  await write(name, await bundleRuntime(name))
for (const name of /** @type {const} */ (['entry', 'entry-sync']))
  await write(name, await bundleEntry(name))
