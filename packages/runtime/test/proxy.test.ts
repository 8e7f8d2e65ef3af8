import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lambdaNode } from '../../../fixtures/lambda-runtime/index.mjs'
import { hasOpenssl, privateCa } from './private-ca.js'
import { bundle, pairModule } from './program.js'
import { run } from './run.js'
import { CONTEXT, World } from './world.js'

const INDEX = fileURLToPath(new URL('../src/index.ts', import.meta.url))
const SETTINGS = { attemptTimeoutMs: 5000, deadlineMs: 6000, maxAttempts: 1 }

const RUNTIMES = [
  { title: `Node ${process.versions.node}`, node: process.execPath },
  ...([22, 24] as const).map((major) => ({ title: `nodejs${major}.x`, node: lambdaNode(major) })),
].map((runtime) => ({ ...runtime, hasEnvProxy: hasEnvProxy(runtime.node) }))

/** NODE_USE_ENV_PROXY exists since 22.21 and 24.5. */
function hasEnvProxy(node: string | undefined): boolean {
  const version = node ? String(spawnSync(node, ['--version']).stdout) : 'v0.0'
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)
}

const world = new World()
let ca: ReturnType<typeof privateCa>
let kms: LocalKms
let proxy: { url: string; tunnels: string[]; requests: string[]; status: number; close(): void }
let programs: Record<'plain' | 'agent' | 'sync', string>

beforeAll(async () => {
  if (!hasOpenssl) return
  ca = privateCa()
  // The SDK that makes the secrets does not know the authority: first without TLS, then with it.
  const dir = join(mkdtempSync(join(tmpdir(), 'proxy-')), 'keys')
  world.kms = await startLocalKms({ dir })
  const { wrapped, seal } = await world.pair()
  const token = JSON.stringify(await seal('hunter2'))
  await world.kms.close()
  kms = await startLocalKms({ dir, tls: ca.tls })
  const print = `.then(console.log, (error) => console.log(error.message))`
  const pair = pairModule([wrapped], SETTINGS)
  const source = `import { pair } from './pair.mjs'\npair(${token}, 'DB')${print}`
  const agent = `import { HttpsProxyAgent } from ${JSON.stringify(fileURLToPath(import.meta.resolve('https-proxy-agent')))}
import { configure } from ${JSON.stringify(INDEX)}
import { pair } from './pair.mjs'
configure({ agent: new HttpsProxyAgent(process.env.HTTPS_PROXY) })
pair(${token}, 'DB')${print}`
  const args = [[wrapped], CONTEXT, SETTINGS].map((value) => JSON.stringify(value)).join(', ')
  const sync = `import { envelopeSync } from './sync.mjs'
console.log(envelopeSync(${args})(${token}, 'DB'))`
  programs = {
    plain: (await bundle(source, pair)).file,
    agent: (await bundle(agent, pair, 'cjs')).file,
    sync: (await bundle(sync, '', 'cjs')).file,
  }
})
afterAll(() => kms?.close())

beforeEach(async () => {
  const tunnels: string[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url!)
    response.writeHead(502).end()
  })
  server.on('connect', (request, socket) => {
    tunnels.push(request.url!)
    socket.on('error', () => {})
    if (proxy.status !== 200) {
      socket.end(`HTTP/1.1 ${proxy.status} Refused\r\n\r\n`)
      return
    }
    const [host, port] = request.url!.split(':')
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    }).on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => server.close()
  proxy = { url: `http://127.0.0.1:${port}`, tunnels, requests, status: 200, close }
})
afterEach(() => proxy.close())

const target = () => new URL(kms.url).host
const env = (more: NodeJS.ProcessEnv = {}) => ({
  ...kms.env,
  NODE_EXTRA_CA_CERTS: ca.file,
  HTTPS_PROXY: proxy.url,
  HTTP_PROXY: proxy.url,
  NO_PROXY: '',
  ...more,
})

describe.each(RUNTIMES)('behind a proxy, on $title', ({ node, hasEnvProxy }) => {
  // Skipped without openssl, or where the package with this version of Node is not installed.
  const runs = it.skipIf(!hasOpenssl || !node)
  // Skipped where this version of Node does not know NODE_USE_ENV_PROXY.
  const runsEnvProxy = it.skipIf(!hasOpenssl || !hasEnvProxy)

  const runProgram = async (file: string, more?: NodeJS.ProcessEnv) =>
    (await run(file, { command: node!, env: env({ NODE_NO_WARNINGS: '1', ...more }) })).output

  runsEnvProxy('a bundle uses HTTPS_PROXY with NODE_USE_ENV_PROXY=1', async () => {
    expect(await runProgram(programs.plain, { NODE_USE_ENV_PROXY: '1' })).toBe('hunter2\n')
    expect(proxy.tunnels).toEqual([target()])
    expect(proxy.requests).toEqual([])
  })

  runsEnvProxy('a bundle respects NO_PROXY with NODE_USE_ENV_PROXY=1', async () => {
    const more = { NODE_USE_ENV_PROXY: '1', NO_PROXY: '127.0.0.1' }
    expect(await runProgram(programs.plain, more)).toBe('hunter2\n')
    expect(proxy.tunnels).toEqual([])
  })

  runsEnvProxy('a secret that is read synchronously uses HTTPS_PROXY, too', async () => {
    expect(await runProgram(programs.sync, { NODE_USE_ENV_PROXY: '1' })).toBe('hunter2\n')
    expect(proxy.tunnels).toEqual([target()])
  })

  runsEnvProxy('container credentials are never requested through the proxy', async () => {
    const { accessKeyId, secretAccessKey } = kms.admin.credentials
    const server = createServer((_, response) =>
      response.end(JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey })),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const output = await runProgram(programs.plain, {
      NODE_USE_ENV_PROXY: '1',
      AWS_ACCESS_KEY_ID: '',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/`,
    })
    server.close()
    expect(output).toBe('hunter2\n')
    expect([proxy.tunnels, proxy.requests]).toEqual([[target()], []])
  })

  runs('a bundle uses the agent that it configures', async () => {
    expect(await runProgram(programs.agent)).toBe('hunter2\n')
    expect(proxy.tunnels).toEqual([target()])
  })

  runs('a proxy that refuses is reported', async () => {
    proxy.status = 407
    expect(await runProgram(programs.agent)).toMatch(/^DB: .*407.*\[KMS_UNREACHABLE]\n$/)
  })

  runs('an unknown certificate authority is reported', async () => {
    expect(await runProgram(programs.agent, { NODE_EXTRA_CA_CERTS: '' })).toMatch(
      /^DB: .*(certificate|self-signed).*\[KMS_UNREACHABLE]\n$/,
    )
  })
})
