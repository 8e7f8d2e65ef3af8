// @ts-check
/**
 * Measures cold starts: complete processes against the embedded KMS over https, in turns, so that load on
 * the machine affects all of them alike. `node packages/runtime/bench/cold-start.mjs [--runs 15]
 * [--secrets 1,10,100,1000] [--latency 0,10] [--only shim] [--node PATH] [--modules NODE_MODULES]
 * [--before SHIM]`; build first. --before adds the shim.bundle.js of another commit.
 */
import { build } from 'esbuild'
import { execFileSync, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { sign } from '../dist/sign.js'
import { PROGRAMS } from './programs.mjs'
import { makeSecrets, startKms } from './world.mjs'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '15' },
    secrets: { type: 'string', default: '1,10,100,1000' },
    latency: { type: 'string', default: '0,10' },
    only: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    before: { type: 'string' },
    modules: {
      type: 'string',
      default: fileURLToPath(new URL('../../../node_modules', import.meta.url)),
    },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'cold-start-'))
symlinkSync(options.modules, join(folder, 'node_modules'))
// Next to each other, as the modules of a build import each other.
const module = (/** @type {string} */ name) => {
  const copy = join(folder, `unplugin-kms.${name}.js`)
  copyFileSync(fileURLToPath(new URL(`../dist/${name}.bundle.js`, import.meta.url)), copy)
  return copy
}
const MODULES = {
  shim: module('shim'),
  openToken: module('open-token'),
  mlKemModule: module('ml-kem'),
}

// Waits for the program, then reports its resource usage to the parent; the same lines in each.
const REPORT = `
globalThis.done.then((values) => process.once('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  process.stdout.write(JSON.stringify({ last: values.at(-1), cpu: (userCPUTime + systemCPUTime) / 1000, rss: maxRSS / 1024 }))
}))`

/**
 * Times the bare request, by the number of secrets, with one encapsulation per build.
 *
 * @type {Record<number, string>}
 */
const GOALS = { 1: '1.05', 10: '1.10', 100: '1.10', 1000: '1.40' }

const numbers = (/** @type {string} */ text) => text.split(',').map(Number)
/** @type {import('./programs.mjs').Program[]} */
const before = PROGRAMS.filter(({ name }) => options.before && name.startsWith('shim')).map(
  ({ name, source, ...program }) => ({
    ...program,
    name: `${name}, before`,
    source: (world) => source({ ...world, shim: options.before ?? '' }),
  }),
)
const hasMlKem = execFileSync(options.node, ['-p', `'decapsulate' in require('crypto')`], {
  encoding: 'utf8',
})
const programs = [...PROGRAMS, ...before].filter(({ name, packages }) => {
  if (name.includes('ML-KEM') && hasMlKem.trim() !== 'true') return false
  if (options.only && !/empty|bare/.test(name) && !name.includes(options.only)) return false
  const missing = packages.filter((name) => !existsSync(join(options.modules, name)))
  if (missing.length) console.log(`left out, not installed: ${name} (${missing.join(', ')})`)
  return !missing.length
})

const { kms, ca, env } = await startKms(folder)
try {
  const version = await run(['-p', 'process.version'])
  console.log(`node ${version.text.trim()}, medians of ${options.runs} runs, complete processes\n`)
  const counts = numbers(options.secrets)
  const all = await makeSecrets(kms, ca, Math.max(...counts))
  for (const count of counts) {
    for (const latency of numbers(options.latency)) await measure(all.first(count), count, latency)
  }
} finally {
  await kms.close()
  rmSync(folder, { recursive: true })
}

/**
 * @param {ReturnType<Awaited<ReturnType<typeof makeSecrets>>['first']>} secrets
 * @param {number} count of the secrets
 * @param {number} latency of the KMS, ms
 */
async function measure(secrets, count, latency) {
  const contenders = []
  for (const program of programs) {
    // Parameter Store answers ten names a call: a thousand would measure nothing but that.
    if (count > 100 && program.packages.includes('@aws-sdk/client-ssm')) continue
    contenders.push(await prepare(program, secrets, count))
  }
  const fault = latency ? kms.faults.add({ kind: 'latency', ms: latency }) : undefined
  /** @type {Map<string, { ms: number[], cpu: number[], rss: number[] }>} */
  const samples = new Map(contenders.map(({ name }) => [name, { ms: [], cpu: [], rss: [] }]))
  for (let i = 0; i < Number(options.runs); i++) {
    for (const { name, file, check } of contenders) {
      const { ms, text } = await run([file])
      const { last, cpu, rss } = JSON.parse(text)
      if (check && last !== secrets.values.at(-1))
        throw new Error(`${name} opened nothing: ${text}`)
      const sample = samples.get(name)
      sample?.ms.push(ms)
      sample?.cpu.push(cpu)
      sample?.rss.push(rss)
    }
  }
  fault?.remove()
  const rows = contenders.map(({ name, bytes, gzip }) => {
    const { ms, cpu, rss } = /** @type {{ ms: number[], cpu: number[], rss: number[] }} */ (
      samples.get(name)
    )
    return { name, ms: median(ms), cpu: median(cpu), rss: median(rss), bytes, gzip }
  })
  const bare = rows.find(({ name }) => name.startsWith('bare'))
  console.log(`${count} secret${count > 1 ? 's' : ''}, KMS answers after ${latency} ms`)
  console.table(
    Object.fromEntries(
      rows.map(({ name, ms, cpu, rss, bytes, gzip }) => [
        name,
        {
          ms: ms.toFixed(1),
          'ms x bare': (ms / (bare?.ms ?? NaN)).toFixed(2),
          'CPU ms': cpu.toFixed(1),
          'CPU x bare': (cpu / (bare?.cpu ?? NaN)).toFixed(2),
          goal: /^shim.*encapsulation/.test(name) ? (GOALS[count] ?? '') : '',
          'peak MB': rss.toFixed(1),
          'bundle, bytes': bytes,
          gzip,
        },
      ]),
    ),
  )
}

/**
 * @param {import('./programs.mjs').Program} program
 * @param {Parameters<typeof measure>[0]} secrets
 * @param {number} count
 */
async function prepare({ name, format, bundled, source }, secrets, count) {
  const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = kms.admin.credentials
  const headers = sign(
    new URL(kms.url),
    secrets.probe,
    kms.region,
    { AccessKeyId, SecretAccessKey },
    Date.now(),
  )
  const signed = { headers, body: secrets.probe }
  const world = { ...secrets, ...MODULES, url: kms.url, signed }
  const slug = `${name.replace(/\W+/g, '-')}-${count}`
  const file = join(folder, `${slug}.${format === 'esm' ? 'mjs' : 'cjs'}`)
  const code = source(world) + REPORT
  if (bundled) {
    const entry = join(folder, `${slug}.entry.mjs`)
    writeFileSync(entry, code)
    await build({
      entryPoints: [entry],
      outfile: file,
      bundle: true,
      minify: true,
      format,
      platform: 'node',
      target: 'node20',
      logLevel: 'error',
      // For CommonJS packages inside an ES module, as their documentation advises.
      banner:
        format === 'esm' && /aws-sdk|powertools|middy/.test(code)
          ? {
              js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
            }
          : {},
    })
  } else {
    writeFileSync(file, code)
  }
  const check = !/empty|bare/.test(name)
  const gzip = bundled ? gzipSync(readFileSync(file), { level: 9 }).length : '-'
  return { name, file, check, bytes: bundled ? statSync(file).size : '-', gzip }
}

/** @param {string[]} args @returns {Promise<{ ms: number, text: string }>} */
function run(args) {
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    const child = spawn(options.node, args, {
      env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (part) => (text += part))
    child.on('error', reject)
    child.on('close', (code) => {
      const ms = performance.now() - begun
      if (code) reject(new Error(`${args.join(' ')} ended with ${code}`))
      else resolve({ ms, text })
    })
  })
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}
