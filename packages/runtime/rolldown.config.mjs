// @ts-check
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

/** What bundles carry: one ES module, small also where the user's build minifies nothing. */
export default defineConfig({
  input: here('src/shim.ts'),
  platform: 'node',
  output: { file: here('dist/shim.bundle.js'), format: 'esm', minify: true },
})
