// How long `inspect` reads a bundle of 50 MB with 500 secrets, and how much more memory at its peak
// than one of 1 MB takes: medians of 5 runs. Needs a build. Ends with 1 above 5 s or 64 MB more.
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { internals } from './internals.mjs'

const { pairModuleCode, fingerprintOf, sealToText } = await internals(
  'pipeline/emit/shim',
  'crypto/data-key-pair',
  'crypto/seal',
)

const SECRETS = 500
const RUNS = 5
const LIMIT_MS = 5_000
const LIMIT_MB = 64
const cwd = await mkdtemp(join(tmpdir(), 'unplugin-kms-bench-'))

const { publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { format: 'der', type: 'spki' },
  privateKeyEncoding: { format: 'der', type: 'pkcs8' },
})
const keyId = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555'
const pair = {
  fingerprint: fingerprintOf(publicKey),
  publicKey,
  wrapped: [{ keyId, ciphertextBlob: 'A'.repeat(400) }],
  encryptionContext: { app: 'bench' },
}
const tokens = []
for (let i = 0; i < SECRETS; i++)
  tokens.push(await sealToText(pair, 'named', Buffer.from(`${i}`), `N${i}`))

// Minified code as a bundler writes it: one long line, with strings, ARNs and quotes in it.
const FILLER =
  'function a(t,e){var r=new Map;for(const[n,o]of Object.entries(t))r.set(n,`${o}:"arn:aws:s3:::bucket/*"`),e&&r.delete(\'kms:Decrypt\');return r}'

/** A bundle of this size, with the secrets spread evenly over it. */
async function bundle(megabytes) {
  const path = join(cwd, `bundle-${megabytes}.mjs`)
  const file = await open(path, 'w')
  await file.write(pairModuleCode(pair, {}, {}).replaceAll('\n', ''))
  const filler = FILLER.repeat(Math.ceil((megabytes * 2 ** 20) / SECRETS / FILLER.length))
  for (const [i, token] of tokens.entries())
    await file.write(`${filler}export const s${i}=open("${token}","N${i}");`)
  await file.close()
  return path
}

const inspectModule = JSON.stringify(fileURLToPath(new URL('../dist/index.js', import.meta.url)))
function measure(path) {
  const script = `const { inspect } = await import(${inspectModule})
const begun = performance.now()
const { secrets } = await inspect(${JSON.stringify(path)})
const ms = performance.now() - begun
console.log(JSON.stringify({ ms, found: secrets.filter(({ keys }) => keys.length).length, mb: process.resourceUsage().maxRSS / 1024 }))`
  const runs = Array.from({ length: RUNS }, () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', script],
      { cwd, encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  })
  if (runs.some(({ found }) => found !== SECRETS)) throw new Error('not every secret was found')
  const median = (of) => runs.map(of).sort((a, b) => a - b)[RUNS >> 1]
  return { ms: median(({ ms }) => ms), mb: median(({ mb }) => mb) }
}

const [small, large] = [measure(await bundle(1)), measure(await bundle(50))]
const more = large.mb - small.mb
console.log(` 1 MB  ${small.ms.toFixed(0)} ms, ${small.mb.toFixed(0)} MB of memory at its peak`)
console.log(
  `50 MB  ${large.ms.toFixed(0)} ms (limit ${LIMIT_MS}), ${more.toFixed(0)} MB more (limit ${LIMIT_MB})`,
)
if (large.ms > LIMIT_MS || more > LIMIT_MB) process.exitCode = 1
await rm(cwd, { recursive: true })
