// Writes the code that users' bundles contain.
import { writeFile } from 'node:fs/promises'
import { bundleEntry, bundleRuntime } from '../packages/runtime/bundle.mjs'

const write = (/** @type {string} */ name, /** @type {string} */ code) =>
  writeFile(new URL(`../packages/runtime/dist/${name}.bundle.js`, import.meta.url), code)

const MODULES = /** @type {const} */ ([
  'shim',
  'sync',
  'process-env',
  'open-token',
  'ml-kem',
  'ml-kem-sync',
])
for (const name of MODULES) await write(name, await bundleRuntime(name))
for (const name of /** @type {const} */ ([
  'entry',
  'entry-sync',
  'entry-ml-kem',
  'entry-ml-kem-sync',
]))
  await write(name, await bundleEntry(name))
