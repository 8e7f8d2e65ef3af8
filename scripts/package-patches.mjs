// Changes to packages that build-bundle.mjs bundles into the modules.
import { resolve } from 'node:path'

/** The loaders of unplugin are files that webpack and Rspack load by their paths. */
const LOADERS = ['webpack', 'rspack'].flatMap((bundler) =>
  ['transform', 'load'].map((name) => ({
    path: `${bundler}/loaders/${name}.mjs`,
    entry: `unplugin/${bundler}-${name}`,
  })),
)

/** The loaders as entries of the bundle. */
export const LOADER_ENTRIES = Object.fromEntries(
  LOADERS.map(({ path, entry }) => [entry, resolve('node_modules/unplugin/dist', path)]),
)

/** An import of the global `process`. It reads all properties, which creates the three standard streams. */
const PROCESS = /^import (\S+) from "node:process";$/m

/** Plugins of Rolldown. */
export const PATCHES = [
  {
    name: 'unplugin-kms-commander',
    transform: { filter: { id: /\/commander\/lib\/command\.js$/ }, handler: withoutChildProcess },
  },
  {
    name: 'unplugin-kms-process',
    transform: {
      filter: { code: PROCESS },
      handler: (code) =>
        code.replace(PROCESS, (_, name) => (name === 'process' ? '' : `const ${name} = process;`)),
    },
  },
  {
    name: 'unplugin-kms-unplugin',
    transform: { filter: { id: /\/unplugin\/dist\/index\.mjs$/ }, handler: withOwnLoaders },
  },
]

/** Loads `node:child_process` when Commander runs a command that is a file, which no command here is. */
function withoutChildProcess(code) {
  return replaced(code, "const childProcess = require('node:child_process');\n", '').replaceAll(
    'childProcess.spawn(',
    "require('node:child_process').spawn(",
  )
}

/** Names the loaders in dist. No plugin here has `resolveId`, which needs webpack-virtual-modules. */
function withOwnLoaders(code) {
  return LOADERS.reduce(
    (changed, { path, entry }) =>
      replaced(
        changed,
        `resolve(import.meta.dirname, "${path}")`,
        `fileURLToPath(new URL("../${entry}.mjs", import.meta.url))`,
      ),
    replaced(code, '__require("webpack-virtual-modules")', 'undefined'),
  )
}

/** Replaces a part of a package. Fails if a new version of it does not contain that part. */
function replaced(code, part, replacement) {
  if (!code.includes(part)) throw new Error(`a package no longer contains ${part}`)
  return code.replace(part, replacement)
}
