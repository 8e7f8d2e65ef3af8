// Runs one cell under Farm, which ends the whole process when a plugin fails.
import { build } from '@farmfe/core'
import kms from '../../src/bundlers/farm.js'
import type { Cell } from './hosts.js'

const { root, entries, outdir, format, maps, minify, browser, external, cache, options, patterns } =
  JSON.parse(process.argv[2]!) as Cell & { patterns: [string, string, string][] }
for (const [name, source, flags] of patterns)
  Object.assign(options, { [name]: new RegExp(source, flags) })
await build({
  root,
  configPath: undefined,
  compilation: {
    root,
    input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, `./${file}`])),
    output: {
      path: outdir,
      targetEnv: browser ? 'browser' : 'node',
      format,
      entryFilename: `[entryName].${format === 'cjs' ? 'cjs' : 'mjs'}`,
      filename: `[resourceName].[hash].${format === 'cjs' ? 'cjs' : 'mjs'}`,
    },
    sourcemap: {
      none: false,
      file: true,
      inline: 'inline',
      hidden: true,
      nosources: true,
      eval: 'inline',
      cheap: true,
    }[maps],
    minify,
    mode: 'production',
    presetEnv: false,
    external: [...(external ?? [])],
    persistentCache: cache ? { cacheDir: cache, namespace: 'test' } : false,
  },
  plugins: [kms(options)],
} as never)
