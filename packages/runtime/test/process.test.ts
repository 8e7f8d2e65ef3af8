import { startLocalKms, type FaultKind } from '@unplugin-kms/local-kms'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bundle, pairModule } from './program.js'
import { CONTEXT, useKms, World } from './world.js'

const world = useKms()
// The binary itself: bun's launcher wants an install script to have run.
const BUN = fileURLToPath(
  new URL('../../../node_modules/@oven/bun-linux-x64/bin/bun', import.meta.url),
)

/** Runs a bundle; its standard output when it ends by itself. */
function start(file: string, command = process.execPath, set: NodeJS.ProcessEnv = world.kms.env) {
  const env = { PATH: process.env.PATH, ...set }
  const child = spawn(command, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (part) => (output += part))
  return { child, ended: once(child, 'close').then(([code]) => ({ code, output })) }
}

const program = async (code: (token: string) => string, settings = {}, format?: 'cjs') => {
  const pair = await world.pair()
  const token = JSON.stringify(await pair.seal('hunter2'))
  return bundle(
    `import { pair } from './pair.mjs'\n${code(token)}`,
    pairModule([pair.wrapped], settings),
    format,
  )
}

/** Secrets that are opened during faults: all in `npm run test:matrix`. */
const COUNT = process.env.COMBINATIONS === 'all' ? 1000 : 300

describe('a process', () => {
  it('in CommonJS opens a secret and ends by itself', async () => {
    const { file } = await program((token) => `pair(${token}, 'DB').then(console.log)`, {}, 'cjs')
    expect(await start(file).ended).toEqual({ code: 0, output: 'hunter2\n' })
  })

  it('uses the credentials that the module with the secrets configures, at its top level', async () => {
    const index = fileURLToPath(new URL('../src/index.ts', import.meta.url))
    const { accessKeyId, secretAccessKey } = world.kms.admin.credentials
    const { file } = await program(
      (token) => `import { configure } from ${JSON.stringify(index)}
configure({ credentials: async () => (${JSON.stringify({ accessKeyId, secretAccessKey })}) })
console.log(await pair(${token}, 'DB'))`,
    )
    const { AWS_ACCESS_KEY_ID: _, ...env } = world.kms.env
    expect(await start(file, process.execPath, env).ended).toEqual({ code: 0, output: 'hunter2\n' })
    expect(world.decrypts).toMatchObject([{ outcome: 'Success' }])
  })

  describe.each([
    { runtime: 'Node', command: process.execPath },
    { runtime: 'Bun', command: BUN },
  ])('of $runtime', ({ command }) => {
    // Skipped where bun's binary for this platform is not installed.
    const absent = spawnSync(command, ['--version']).status !== 0
    const runs = it.skipIf(absent)

    runs('opens a secret and ends by itself', async () => {
      const { file } = await program((token) => `pair(${token}, 'DB').then(console.log)`)
      expect(await start(file, command).ended).toEqual({ code: 0, output: 'hunter2\n' })
    })

    runs('that awaits nothing ends by itself even if KMS does not answer', async () => {
      world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
      const { file } = await program(() => 'globalThis.kept = pair')
      expect(await start(file, command).ended).toEqual({ code: 0, output: '' })
    })

    runs(
      'that awaits at its top level fails with the error, not with an unsettled promise',
      async () => {
        world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
        const settings = { attemptTimeoutMs: 200, deadlineMs: 500 }
        const { file } = await program(
          (token) => `try { await pair(${token}, 'DB') } catch ({ code }) { console.log(code) }`,
          settings,
        )
        expect(await start(file, command).ended).toEqual({ code: 0, output: 'KMS_UNREACHABLE\n' })
      },
    )

    it.skipIf(absent || process.platform === 'win32').each([
      [
        'before anyone awaited',
        `const alive = setInterval(() => {}, 1000)\nawait new Promise((resolve) => process.once('SIGUSR2', resolve))\nclearInterval(alive)\n`,
      ],
      ['while it was awaited', ''],
    ])('frozen for longer than the deadline %s still opens', async (_, wait) => {
      const hang = world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
      const settings = { attemptTimeoutMs: 2500, deadlineMs: 2700, maxAttempts: 1 }
      const { file } = await program(
        (token) => `${wait}console.log(await pair(${token}, 'DB'))`,
        settings,
      )
      const { child, ended } = start(file, command)
      await expect.poll(() => hang.strikes).toBe(1)
      child.kill('SIGSTOP')
      // The freeze itself: nothing else can make a process's clock pass.
      await new Promise((resolve) => setTimeout(resolve, 4000))
      hang.remove()
      child.kill('SIGCONT')
      if (wait) child.kill('SIGUSR2')
      expect(await ended).toEqual({ code: 0, output: 'hunter2\n' })
    })
  })

  // The host distinguishes the envelopes; the environment points all of them to the same KMS.
  it.each([
    ['direct secrets', `direct([wrapped], context, 'S' + n, undefined, settings)`],
    [
      'envelopes',
      `envelope([[wrapped[0], 'host' + n, wrapped[2]]], context, { ...settings, start: n % 2 ? 'load' : 'first-use' })(token, 'S' + n)`,
    ],
  ])(
    'during many faults opens each of hundreds of %s, and leaves no socket or timer',
    async (_, open) => {
      const kinds: FaultKind[] = [
        { kind: 'throttle' },
        { kind: 'error', type: 'KMSInternalException', status: 500 },
        { kind: 'error', type: 'KeyUnavailableException', status: 500 },
        { kind: 'reset', when: 'before' },
        { kind: 'reset', when: 'during' },
        { kind: 'reset', when: 'after' },
        { kind: 'body', body: 'truncated' },
        { kind: 'body', body: 'html', status: 502 },
        { kind: 'latency', ms: 20 },
        { kind: 'hang' },
      ]
      const settings = { attemptTimeoutMs: 2000, deadlineMs: 240_000, maxAttempts: 14 }
      const pair = await world.pair()
      const token = await pair.seal('hunter2')
      const wrapped = open.startsWith('direct') ? await world.encrypt('hunter2') : pair.wrapped
      const { file } = await bundle(
        `import { direct, envelope } from './shim.mjs'
      import { globalAgent } from 'node:http'
      const [wrapped, context, settings, token] = ${JSON.stringify([wrapped, CONTEXT, settings, token])}
      let opened = 0
      for (let batch = 0; batch < ${COUNT}; batch += 100) {
        const secrets = Array.from({ length: 100 }, (_, i) => ((n) => ${open})(batch + i))
        opened += (await Promise.all(secrets)).filter((value) => value === 'hunter2').length
      }
      const left = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')
      console.log(opened, Object.values(globalAgent.sockets).flat().length, left.length)`,
      )
      // Rates that share no period, so that the faults meet in ever new sequences.
      const faults = kinds.map((fault, i) =>
        world.kms.faults.add({
          ...fault,
          operation: 'Decrypt',
          rate: fault.kind === 'hang' ? 0.0073 : 0.04 + i * 0.0037,
        }),
      )
      expect(await start(file).ended).toEqual({ code: 0, output: `${COUNT} 0 0\n` })
      expect(faults.reduce((sum, { strikes }) => sum + strikes, 0)).toBeGreaterThan(0.3 * COUNT)
    },
  )
})

const noOpenssl = spawnSync('openssl', ['version']).status !== 0

// A Lambda@Edge function has no environment variables of its own, and runs near the viewer.
it.skipIf(noOpenssl)('uses host and region of the build at Lambda@Edge', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edge-'))
  const [dir, key, cert] = ['keys', 'key.pem', 'cert.pem'].map((name) => join(folder, name))
  const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1'
  const subject = '-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1'
  spawnSync('openssl', [...`${kind} ${subject}`.split(' '), '-keyout', key!, '-out', cert!])
  const plain = new World()
  plain.kms = await startLocalKms({ dir: dir! })
  const { seal, wrapped } = await plain.pair('us-east-1')
  const token = JSON.stringify(await seal('hunter2'))
  await plain.kms.close()
  const tls = { key: readFileSync(key!), cert: readFileSync(cert!) }
  const kms = await startLocalKms({ dir: dir!, tls })
  const { accessKeyId, secretAccessKey } = kms.admin.credentials
  const { file } = await bundle(
    `import { pair } from './pair.mjs'\npair(${token}, 'DB').then(console.log)`,
    pairModule([[wrapped[0], new URL(kms.url).host, wrapped[2]]]),
  )
  const { ended } = start(file, process.execPath, {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    // For the test's certificate alone.
    NODE_EXTRA_CA_CERTS: cert!,
  })
  expect(await ended).toEqual({ code: 0, output: 'hunter2\n' })
  expect(kms.journal).toMatchObject([{ operation: 'Decrypt', region: 'us-east-1' }])
  await kms.close()
})
