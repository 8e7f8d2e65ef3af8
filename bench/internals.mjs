import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

/**
 * Bundles modules of `src/` that the package does not publish.
 *
 * @param {string[]} names paths below `src/`, without their extension.
 * @returns {Promise<string>} the path of a module that exports all that they export.
 */
export async function bundleInternals(...names) {
  // Below node_modules, where the packages are found.
  const folder = join(root, 'node_modules/.cache/unplugin-kms-bench')
  await mkdir(folder, { recursive: true })
  const outfile = join(folder, `${names.join('+').replaceAll('/', '-')}-${process.pid}.mjs`)
  await build({
    stdin: {
      contents: names.map((name) => `export * from './src/${name}.js'`).join('\n'),
      resolveDir: root,
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  return outfile
}

/** Imports modules of `src/` that the package does not publish. */
export const internals = async (...names) =>
  import(pathToFileURL(await bundleInternals(...names)).href)
