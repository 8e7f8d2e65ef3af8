// What a build pays for the plugin: each run a process of its own, the ways of building in turns.
// Needs a build. docs/benchmarks.md has what it printed, and how to read it.
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { BUNDLERS } from './build/bundlers.mjs'
import { moduleOf, pathOf, writeProject } from './build/project.mjs'
import { machine, median, ratio, table } from './build/report.mjs'

const { values } = parseArgs({
  options: {
    bundlers: { type: 'string', default: Object.keys(BUNDLERS).join(',') },
    // Default: 500 and 5,000; 5,000 where quick or watch is asked for.
    modules: { type: 'string' },
    marks: { type: 'string', default: '0,10,1000' },
    runs: { type: 'string', default: '5' },
    // Three runs of what the goals speak of: 5,000 modules, no marks and 1,000.
    quick: { type: 'boolean', default: false },
    // Rebuilds after a marked module was touched, instead of builds from nothing.
    watch: { type: 'boolean', default: false },
    // What each part of the plugin costs by itself: esbuild, Rolldown and Rspack.
    parts: { type: 'boolean', default: false },
    // Also what each run took.
    raw: { type: 'boolean', default: false },
  },
})
const list = (text) => text.split(',')
const bundlers = list(values.bundlers)
const sizes = values.modules
  ? list(values.modules).map(Number)
  : values.quick || values.watch
    ? [5000]
    : [500, 5000]
const counts = values.watch ? [100] : values.quick ? [0, 1000] : list(values.marks).map(Number)
const runs = values.quick ? 3 : Number(values.runs)

/** How a project is built, and which project: what each kind of marks stands for is in project.mjs. */
const WAYS = {
  without: { kind: 'plain' },
  ours: { kind: 'env', plugin: 'ours' },
  sealed: { kind: 'named', plugin: 'ours' },
  replace: { kind: 'plain', plugin: 'replace' },
  loaded: { kind: 'plain', plugin: 'loaded' },
  held: { kind: 'plain', plugin: 'held' },
  called: { kind: 'plain', plugin: 'called' },
}
const PARTS = ['loaded', 'held', 'called']
function waysOf(marks) {
  if (values.watch) return ['without', 'ours']
  if (values.parts) return ['without', ...PARTS, 'sealed', 'ours']
  return marks ? ['without', 'ours', 'sealed', 'replace'] : ['without', 'ours', 'replace']
}

const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-bench-'))
const script = fileURLToPath(new URL('build/run.mjs', import.meta.url))

async function run(job) {
  const outdir = join(job.root, 'out')
  rmSync(outdir, { recursive: true, force: true })
  const argument = JSON.stringify({ ...job, outdir })
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, argument], {
    cwd: job.root,
  })
  if (process.env.UNPLUGIN_KMS_DEBUG) process.stderr.write(stderr)
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

/** Builds in turns: with anything else that the machine does, all ways are slowed alike. */
async function measure(ways, jobFor) {
  const all = new Map(ways.map((way) => [way, []]))
  for (let turn = 0; turn < runs; turn++)
    for (const way of ways) all.get(way).push(await run(jobFor(way)))
  return all
}

/** Each session calls KMS for its data key pair. The journal shows whether a rebuild calls KMS again. */
async function measureWatch(ways, jobFor, touched) {
  const kms = await startLocalKms()
  const { arn } = await kms.createKey()
  const { accessKeyId, secretAccessKey } = kms.admin.credentials
  const aws = {
    endpoint: kms.url,
    region: kms.region,
    credentials: { accessKeyId, secretAccessKey },
  }
  const measured = await measure(ways, (way) => {
    const job = jobFor(way)
    rmSync(join(job.root, 'kms-secrets.json'), { force: true })
    return {
      ...job,
      key: { keyId: arn, aws },
      watch: { touch: join(job.root, touched), times: 5 },
    }
  })
  const calls = kms.journal.length / runs
  await kms.close()
  return { measured, calls }
}

const show = (number, digits = 0) => number.toFixed(digits)

function printCold(modules, marks, all) {
  console.log(`\n### ${modules} modules, ${marks} marks\n`)
  const rows = [...all].map(([name, measured]) => {
    const of = (way, key) => measured.get(way)?.map((result) => result[key])
    const cell = (way, key) => {
      const these = of(way, key)
      return these ? show(ratio(these, of('without', key)), 2) : '-'
    }
    return [
      name,
      show(median(of('without', 'ms'))),
      ...['ours', 'sealed', 'replace'].map((way) => cell(way, 'ms')),
      show(median(of('without', 'peakMiB'))),
      cell('ours', 'peakMiB'),
      cell('ours', 'cpuMs'),
      cell('sealed', 'cpuMs'),
    ]
  })
  const head = [
    '',
    'without, ms',
    'ours',
    'ours, sealed before',
    'replace',
    'peak, MiB',
    'ours, peak',
    'ours, CPU',
    'sealed, CPU',
  ]
  console.log(table(head, rows))
}

function printParts(modules, marks, all) {
  console.log(`\n### ${modules} modules, ${marks} marks: wall, CPU, peak memory\n`)
  const rows = [...all].map(([name, measured]) => {
    const of = (way, key) => measured.get(way).map((result) => result[key])
    const cell = (way) =>
      ['ms', 'cpuMs', 'peakMiB']
        .map((key) => show(ratio(of(way, key), of('without', key)), 2))
        .join(', ')
    const raw = ['ms', 'cpuMs', 'peakMiB'].map((key) => show(median(of('without', key)))).join(', ')
    return [name, raw, ...[...PARTS, 'sealed', 'ours'].map(cell)]
  })
  const head = ['', 'without, ms, ms, MiB', 'loaded', 'outputs held', 'called for each file']
  console.log(table([...head, 'ours, sealed before', 'ours'], rows))
}

function printWatch(modules, all, callsOf) {
  console.log(`\n### A marked module of ${modules} touched, 100 marks\n`)
  const rows = [...all].map(([name, measured]) => {
    const rebuilds = (way) => measured.get(way).map(({ rebuildMs }) => median(rebuildMs))
    return [
      name,
      show(median(rebuilds('without'))),
      show(median(rebuilds('ours'))),
      show(ratio(rebuilds('ours'), rebuilds('without')), 2),
      callsOf.get(name),
    ]
  })
  console.log(table(['', 'without, ms', 'ours, ms', 'ratio', 'KMS calls a session'], rows))
}

console.log(machine(runs))

try {
  for (const modules of sizes) {
    for (const marks of counts) {
      const ways = waysOf(marks)
      const roots = new Map()
      for (const kind of new Set(ways.map((way) => WAYS[way].kind))) {
        const root = join(folder, `${modules}-${marks}-${kind}`)
        roots.set(kind, await writeProject(root, { modules, marks, kind }))
      }
      const all = new Map()
      const callsOf = new Map()
      for (const bundler of bundlers) {
        const jobFor = (way) => {
          const { kind, plugin } = WAYS[way]
          return { bundler, marks, plugin, root: roots.get(kind) }
        }
        if (values.watch) {
          const touched = pathOf(moduleOf(marks / 2, { modules, marks }))
          const { measured, calls } = await measureWatch(ways, jobFor, touched)
          all.set(bundler, measured)
          callsOf.set(bundler, calls)
        } else all.set(bundler, await measure(ways, jobFor))
        if (values.raw) printRaw(bundler, all.get(bundler))
      }
      if (values.watch) printWatch(modules, all, callsOf)
      else if (values.parts) printParts(modules, marks, all)
      else printCold(modules, marks, all)
      for (const root of roots.values()) rmSync(root, { recursive: true })
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(
  `\nload at the end ${loadavg()
    .map((one) => one.toFixed(1))
    .join(' ')}`,
)

function printRaw(bundler, measured) {
  for (const [way, results] of measured)
    console.log(`${bundler} ${way}: ${results.map((result) => JSON.stringify(result)).join(' ')}`)
}
