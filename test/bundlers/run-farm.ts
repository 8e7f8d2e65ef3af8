// Builds cells under Farm, one per line of standard input, because loading Farm takes longer than a build.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { build } from '@farmfe/core'
import kms from '../../src/bundlers/farm.js'
import type { FarmJob } from './hosts.js'

// Farm ends its process when a build fails; here the next cell follows.
process.exit = (code) => {
  throw new Error(`Farm ended with ${code}`)
}

for await (const line of createInterface(process.stdin)) {
  const job = JSON.parse(line) as FarmJob
  const environment = { ...process.env }
  Object.assign(process.env, job.environment)
  const ended = await run(job).then(
    () => 'built',
    () => 'failed',
  )
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  // Synchronously, and so after everything that Farm's own threads have printed.
  for (const stream of [1, 2]) writeSync(stream, `\0${ended}\n`)
}

async function run({ cell, patterns }: FarmJob) {
  const { root, entries, outdir, format, maps, minify, browser, external, cache, more, options } =
    cell
  for (const [name, source, flags] of patterns)
    Object.assign(options, { [name]: new RegExp(source, flags) })
  process.chdir(root)
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
      ...more,
    },
    plugins: [kms(options)],
  } as never)
}
