// @ts-check
/**
 * Measures a synchronous unwrap in CommonJS next to the asynchronous shim: complete processes against the
 * embedded KMS over https, in turns. CPU time includes child processes. `node packages/runtime/bench/blocking.mjs [--runs 15]
 * [--cpu 100,7] [--latency 10] [--node PATH]`; build first. --cpu below 100 needs root and cgroups.
 */
import { build } from 'esbuild'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cpuShare } from './cpu-share.mjs'
import { makeSecrets, startKms } from './world.mjs'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '15' },
    cpu: { type: 'string', default: '100,7' },
    latency: { type: 'string', default: '10' },
    node: { type: 'string', default: process.execPath },
  },
})
const dist = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../dist/${name}.bundle.js`, import.meta.url))
const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'blocking-'))

/**
 * @typedef {ReturnType<Awaited<ReturnType<typeof makeSecrets>>['first']>} Secrets
 * @param {Secrets} secrets
 */
function programs({ keyArn, pairBlob, tokens: [token], boxes, dataKeyBlob }) {
  const pair = `[[${JSON.stringify(keyArn)}, 'kms.us-east-1.amazonaws.com', ${JSON.stringify(pairBlob)}]], { app: 'bench' }, { deadlineMs: 20000, attemptTimeoutMs: 10000 }`
  const shim = (/** @type {string} */ name) => JSON.stringify(dist(name))
  const child = `const { envelope } = require('./shim.cjs'); envelope(${pair})(${JSON.stringify(token)}, 'DB').then((value) => process.stdout.write(value))`
  return {
    'empty process': `process.stdout.write('')`,
    'asynchronous shim': `import { envelope } from ${shim('shim')}
envelope(${pair})(${JSON.stringify(token)}, 'DB').then((value) => process.stdout.write(value))`,
    'facade: the handler awaits the real module': `import { envelope } from ${shim('shim')}
import { processEnv } from ${shim('process-env')}
const ready = processEnv({ DB: envelope(${pair})(${JSON.stringify(token)}, 'DB') })
export const handler = async () => { await ready(); return process.env.DB }
handler().then((value) => process.stdout.write(value))`,
    'worker thread and Atomics.wait': `import { envelopeSync } from ${shim('sync')}
process.stdout.write(envelopeSync(${pair})(${JSON.stringify(token)}, 'DB'))`,
    'AWS SDK (client-kms, bundled), asynchronous': `import { createDecipheriv } from 'node:crypto'
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
const box = Buffer.from(${JSON.stringify(boxes[0])}, 'base64')
new KMSClient({ region: 'us-east-1' })
  .send(new DecryptCommand({ CiphertextBlob: Buffer.from(${JSON.stringify(dataKeyBlob)}, 'base64') }))
  .then(({ Plaintext }) => {
    const decipher = createDecipheriv('aes-256-gcm', Plaintext, box.subarray(0, 12)).setAuthTag(box.subarray(-16))
    process.stdout.write(Buffer.concat([decipher.update(box.subarray(12, -16)), decipher.final()]))
  })`,
    'execFileSync of another node': `import { execFileSync } from 'node:child_process'
process.stdout.write(execFileSync(process.execPath, ['-e', ${JSON.stringify(child)}], { cwd: ${JSON.stringify(folder)} }))`,
  }
}

const { kms, ca, env } = await startKms(folder)
try {
  const secrets = (await makeSecrets(kms, ca, 1)).first(1)
  kms.faults.add({ kind: 'latency', ms: Number(options.latency) })
  writeFileSync(join(folder, 'shim.mjs'), readFileSync(dist('shim')))
  await bundle(join(folder, 'shim.mjs'), 'shim')
  const files = []
  for (const [name, source] of Object.entries(programs(secrets))) {
    const slug = name.replace(/\W+/g, '-')
    writeFileSync(join(folder, `${slug}.mjs`), source)
    files.push({ name, file: await bundle(join(folder, `${slug}.mjs`), slug) })
  }
  for (const cpu of options.cpu.split(',').map(Number)) {
    const share = cpu < 100 ? cpuShare(cpu) : undefined
    await measure(files, secrets.values[0] ?? '', cpu, share)
    share?.remove()
  }
} finally {
  await kms.close()
  rmSync(folder, { recursive: true })
}

/** @param {string} entry @param {string} slug */
async function bundle(entry, slug) {
  const outfile = join(folder, `${slug}.cjs`)
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    nodePaths: [MODULES],
    logLevel: 'error',
  })
  return outfile
}

/**
 * @param {{ name: string, file: string }[]} files
 * @param {string} value
 * @param {number} cpu
 * @param {ReturnType<typeof cpuShare> | undefined} share
 */
async function measure(files, value, cpu, share) {
  /** @type {Record<string, { ms: number, cpu: number }[]>} */
  const samples = {}
  for (let run = 0; run < Number(options.runs); run++) {
    for (const { name, file } of files) {
      const { text, ...sample } = await time(options.node, file, share?.join ?? ':')
      if (name !== 'empty process' && text !== value) throw new Error(`${name} opened nothing`)
      ;(samples[name] ??= []).push(sample)
    }
  }
  console.log(`${options.node}, ${cpu} % of a CPU, KMS answers after ${options.latency} ms`)
  const median = (/** @type {number[]} */ all) =>
    (all.toSorted((a, b) => a - b)[all.length >> 1] ?? NaN).toFixed(0)
  console.table(
    Object.fromEntries(
      Object.entries(samples).map(([name, all]) => [
        name,
        { ms: median(all.map(({ ms }) => ms)), 'CPU ms': median(all.map(({ cpu }) => cpu)) },
      ]),
    ),
  )
}

/**
 * @param {string} node
 * @param {string} file
 * @param {string} join
 * @returns {Promise<{ ms: number, cpu: number, text: string }>}
 */
function time(node, file, join) {
  return new Promise((resolve, reject) => {
    const script = `${join}; "$0" "$1"; status=$?; times >&2; exit $status`
    const begun = performance.now()
    const child = spawn('/bin/sh', ['-c', script, node, file], {
      env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    let errors = ''
    child.stdout.on('data', (part) => (text += part))
    child.stderr.on('data', (part) => (errors += part))
    child.on('error', reject)
    child.on('close', (code) => {
      const ms = performance.now() - begun
      if (code) {
        reject(new Error(`${file} ended with ${code}: ${errors}`))
        return
      }
      // The last line of `times` has the user and system time of all children.
      const [, line = ''] = errors.trim().split('\n').slice(-2)
      const cpu = [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
        (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
        0,
      )
      resolve({ ms, cpu, text })
    })
  })
}
