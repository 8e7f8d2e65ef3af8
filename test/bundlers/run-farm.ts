// Builds cells under Farm, one per line of standard input, because loading Farm takes longer than a build.
import { writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { build } from '@farmfe/core'
import kms from '../../src/bundlers/farm.js'
import type { Cell, FarmJob } from './hosts.js'

// Farm ends its process when a build fails; here the next cell follows.
process.exit = (code) => {
  throw new Error(`Farm ended with ${code}`)
}

for await (const line of createInterface(process.stdin)) {
  const job = JSON.parse(line) as FarmJob
  const environment = { ...process.env }
  Object.assign(process.env, job.environment)
  let ended = await run(job).then(
    () => 'built',
    () => 'failed',
  )
  // Farm does not wait for what a plugin does in writeResources.
  if (job.cell.late?.does === 'write')
    for (let times = 0; times < 1000 && !process.exitCode; times++) await setTimeout(10)
  if (process.exitCode) ended = 'failed'
  process.exitCode = undefined
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  // Synchronously, and so after everything that Farm's own threads have printed.
  for (const stream of [1, 2]) writeSync(stream, `\0${ended}\n`)
}

interface Resources {
  resourcesMap: Record<string, { name: string; bytes: number[] }>
}

/** Changes a resource as late as it can, or writes a file itself. */
function latePlugin({ does, text }: NonNullable<Cell['late']>, outdir: string) {
  const writeResources = { executor: () => writeFileSync(join(outdir, 'late.txt'), text) }
  const finalizeResources = {
    executor({ resourcesMap }: Resources) {
      for (const resource of Object.values(resourcesMap))
        resource.bytes = [...resource.bytes, ...Buffer.from(`// ${text}`)]
      return resourcesMap
    },
  }
  return {
    name: 'late',
    priority: 1,
    ...(does === 'write' ? { writeResources } : { finalizeResources }),
  }
}

/** Loads a module as another code than the file has. */
function inventor(content: string) {
  return {
    name: 'inventor',
    priority: 1000,
    load: {
      filters: { resolvedPaths: ['invented\\.ts$'] },
      executor: () => ({ content, moduleType: 'ts' }),
    },
  }
}

async function run({ cell, patterns }: FarmJob) {
  const { root, entries, outdir, format, maps, minify, browser, external, cache } = cell
  const { late, invented, more, options } = cell
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
    plugins: [
      ...(invented === undefined ? [] : [inventor(invented)]),
      kms(options),
      ...(late ? [latePlugin(late, outdir)] : []),
    ],
  } as never)
}
