// How much longer than starting Node `set` and `list` take, with 2,000 entries: medians of 15 runs.
// Needs a build. Ends with 1 where one is above 500 ms.
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { internals } from './internals.mjs'

const { fingerprintOf, seal, newSecretsFile, writeSecretsFile } = await internals(
  'crypto/data-key-pair',
  'crypto/seal',
  'secrets-file/serialize',
)

const ENTRIES = 2_000
const RUNS = 15
const LIMIT_MS = 500
const program = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url))
const cwd = await mkdtemp(join(tmpdir(), 'unplugin-kms-bench-'))

const { publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { format: 'der', type: 'spki' },
  privateKeyEncoding: { format: 'der', type: 'pkcs8' },
})
const keyId = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555'
const wrapped = [{ keyId, ciphertextBlob: 'AAAA' }]
const file = newSecretsFile(join(cwd, 'kms-secrets.json'), {
  fingerprint: fingerprintOf(publicKey),
  publicKey,
  wrapped,
  encryptionContext: {},
})
const pair = file.current.get('default')
for (let i = 0; i < ENTRIES; i++)
  file.secrets.set(`NAME_${i}`, await seal(pair, 'named', Buffer.from(`value ${i}`), `NAME_${i}`))
await writeSecretsFile(file)

const env = { PATH: process.env.PATH, HOME: cwd, XDG_STATE_HOME: cwd }
function median(args, input = '') {
  const times = Array.from({ length: RUNS }, () => {
    const begun = performance.now()
    const { status, stderr } = spawnSync(process.execPath, args, { cwd, env, input })
    if (status !== 0) throw new Error(String(stderr))
    return performance.now() - begun
  })
  return times.sort((a, b) => a - b)[RUNS >> 1]
}

const node = median(['-e', '0'])
console.log(`node -e 0   ${node.toFixed(0)} ms`)
const commands = [
  { name: 'set', args: ['set', 'NEW_NAME'], input: 'a value' },
  { name: 'list', args: ['list'], input: '' },
]
for (const { name, args, input } of commands) {
  const time = median([program, ...args], input)
  const more = time - node
  console.log(
    `${name.padEnd(10)}  ${time.toFixed(0)} ms, ${more.toFixed(0)} ms more than Node (limit ${LIMIT_MS})`,
  )
  if (more > LIMIT_MS) process.exitCode = 1
}
await rm(cwd, { recursive: true })
