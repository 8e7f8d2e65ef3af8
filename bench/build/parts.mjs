import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Plugins that do one part of what ours does, and nothing else: what the part costs by itself. */
export const PARTS = {
  esbuild: {
    loaded: () => load('esbuild'),
    // Outputs stay in memory until they are checked.
    held: () => ({
      name: 'held',
      setup({ initialOptions, onEnd }) {
        Object.assign(initialOptions, { write: false, metafile: true })
        onEnd(({ outputFiles }) => {
          for (const { path, contents } of outputFiles) {
            mkdirSync(dirname(path), { recursive: true })
            writeFileSync(path, contents)
          }
        })
      },
    }),
    // Every file is read for marks.
    called: () => ({
      name: 'called',
      setup({ onLoad }) {
        onLoad({ filter: /\.ts$/ }, ({ path }) => void readFileSync(path, 'utf8').includes('†'))
      },
    }),
  },
  rolldown: {
    loaded: () => load('rolldown'),
    // Outputs are read for the leak check.
    held: () => ({
      name: 'held',
      generateBundle(_, bundle) {
        for (const output of Object.values(bundle)) void (output.code ?? output.source).length
      },
    }),
    called: () => ({
      name: 'called',
      transform: { filter: { code: '†' }, handler: () => null },
    }),
  },
  rspack: {
    loaded: () => load('rspack'),
    held: () => ({
      apply(compiler) {
        compiler.hooks.emit.tap('held', (compilation) => {
          for (const { source } of compilation.getAssets()) void source.source().length
        })
      },
    }),
    called: () => ({
      apply(compiler) {
        const use = ({ resource }) => {
          readFileSync(resource, 'utf8').includes('†')
          return []
        }
        compiler.options.module.rules.unshift({ enforce: 'pre', use })
      },
    }),
  },
}

const load = (bundler) => import(`../../dist/bundlers/${bundler}.js`).then(() => null)
