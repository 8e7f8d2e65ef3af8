// CPU time and elapsed time of `list` and `set` with 2,000 entries above those of an empty process:
// medians of interleaved runs. Needs a build. Exits with 1 if one takes 500 ms longer.
//
//   node bench/cli.mjs [RUNS] [ANOTHER dist/cli/index.js]
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
const RUNS = Number(process.argv[2] ?? 15)
const LIMIT_MS = 500
const program = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url))
const other = process.argv[3]
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

const measure = join(cwd, 'measure.cjs')
await writeFile(
  measure,
  `process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  require('node:fs').writeFileSync('cpu', String((user + system) / 1000))
})`,
)
const env = { PATH: process.env.PATH, HOME: cwd, XDG_STATE_HOME: cwd }

/** Returns the CPU time and the elapsed time of a process, in ms. */
async function timed({ args, input }) {
  const begun = performance.now()
  const node = ['--require', measure, ...args]
  const { status, stderr } = spawnSync(process.execPath, node, { cwd, env, input })
  const wall = performance.now() - begun
  if (status !== 0) throw new Error(String(stderr))
  return { cpu: Number(await readFile(join(cwd, 'cpu'), 'utf8')), wall }
}

const NODE = { name: 'node -e 0', args: ['-e', '0'] }
const commandsOf = (path, suffix = '') => [
  { name: `--version${suffix}`, args: [path, '--version'] },
  { name: `list${suffix}`, args: [path, 'list'] },
  { name: `set${suffix}`, args: [path, 'set', 'NEW_NAME'], input: 'a value' },
]
const commands = [NODE, ...commandsOf(program), ...(other ? commandsOf(other, ', other') : [])]
const runs = new Map(commands.map((command) => [command, []]))
for (let run = 0; run <= RUNS; run++)
  for (const command of commands) {
    const times = await timed(command)
    // The first run fills the file cache.
    if (run) runs.get(command).push(times)
  }
const median = (command, what) =>
  runs
    .get(command)
    .map((times) => times[what])
    .toSorted((a, b) => a - b)[RUNS >> 1]

for (const command of commands) {
  const [cpu, wall] = ['cpu', 'wall'].map((what) => median(command, what) - median(NODE, what))
  console.log(
    `${command.name.padEnd(18)} ${median(command, 'cpu').toFixed(0).padStart(4)} ms of CPU time, ${cpu.toFixed(0).padStart(4)} above Node; elapsed ${wall.toFixed(0).padStart(4)} above Node`,
  )
  if (wall > LIMIT_MS) process.exitCode = 1
}
await rm(cwd, { recursive: true })
