// Runs one cell under Bun; the sources of the plugin as they are.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import kms from '../../src/bundlers/bun.js'
import type { Cell } from './hosts.js'

declare const Bun: { build(options: object): Promise<{ success: boolean; logs: unknown[] }> }

const {
  root,
  entries,
  outdir,
  format,
  maps,
  minify,
  browser,
  external,
  late,
  invented,
  more,
  options,
  patterns,
} = JSON.parse(process.argv[2]!) as Cell & { patterns: [string, string, string][] }
for (const [name, source, flags] of patterns)
  Object.assign(options, { [name]: new RegExp(source, flags) })
/** Loads a module as another code than the file has. */
const inventor = (contents: string) => ({
  name: 'inventor',
  setup: (host: { onLoad(filter: object, callback: () => object): void }) =>
    host.onLoad({ filter: /invented\.ts$/ }, () => ({ contents, loader: 'ts' })),
})
/** Writes a file as soon as it can. */
const latePlugin = (text: string) => ({
  name: 'late',
  setup: (host: { onEnd(callback: () => void): void }) =>
    host.onEnd(() => {
      mkdirSync(outdir, { recursive: true })
      writeFileSync(join(outdir, 'late.txt'), text)
    }),
})
const { success, logs } = await Bun.build({
  entrypoints: Object.values(entries).map((file) => join(root, file)),
  root,
  outdir,
  naming: {
    entry: `[name].${format === 'cjs' ? 'cjs' : 'mjs'}`,
    chunk: `[name]-[hash].${format === 'cjs' ? 'cjs' : 'mjs'}`,
  },
  target: browser ? 'browser' : 'node',
  format,
  splitting: format === 'esm',
  sourcemap: {
    none: 'none',
    file: 'linked',
    inline: 'inline',
    hidden: 'external',
    nosources: 'none',
    eval: 'inline',
    cheap: 'linked',
  }[maps],
  minify,
  external: external ?? [],
  plugins: [
    ...(invented === undefined ? [] : [inventor(invented)]),
    kms(options),
    ...(late ? [latePlugin(late.text)] : []),
  ],
  throw: true,
  ...more,
})
for (const log of logs) console.error(log)
process.exit(success ? 0 : 1)
