import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lambdaNode } from '../../fixtures/lambda-runtime/index.mjs'
import { workspace, type Workspace } from '../cli/cli.js'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const HOST = 'kms.us-east-1.amazonaws.com'
const HOSTS = [HOST, 'sts.us-east-1.amazonaws.com', 'kms-fips.us-east-1.amazonaws.com']

let folder: string
let kms: LocalKms
let keyId: string
let proxy: Server
let secureProxy: Server
let space: Workspace
/** The targets that the proxy was asked for. */
const asked: string[] = []
/** How the proxy behaves. */
let answer: 'connect' | 'authenticate' | 'forbid' | 'hang'

const ca = () => join(folder, 'cert.pem')
const addressOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`

/** Connects whatever AWS host is asked for to the embedded KMS. */
function onConnect(
  ...[request, client]: [
    { url?: string; headers: Record<string, unknown> },
    NodeJS.WritableStream & NodeJS.ReadableStream,
    Buffer,
  ]
) {
  asked.push(request.url!)
  client.on('error', () => {})
  if (answer === 'hang') return
  if (answer === 'forbid') return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  const password = `Basic ${Buffer.from('me:pass word').toString('base64')}`
  if (answer === 'authenticate' && request.headers['proxy-authorization'] !== password)
    return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
  const upstream = connect(Number(new URL(kms.url).port), '127.0.0.1', () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    client.pipe(upstream).pipe(client)
  })
  upstream.on('error', () => client.end())
}

beforeAll(async () => {
  if (!hasOpenssl) return
  folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-proxy-'))
  const names = [...HOSTS.map((host) => `DNS:${host}`), 'IP:127.0.0.1'].join(',')
  const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=acme'
  const key = join(folder, 'key.pem')
  const options = ['-addext', `subjectAltName=${names}`, '-keyout', key, '-out', ca()]
  expect(spawnSync('openssl', [...kind.split(' '), ...options]).status).toBe(0)
  const tls = { key: readFileSync(key), cert: readFileSync(ca()) }
  kms = await startLocalKms({ tls })
  keyId = (await kms.createKey({ alias: 'alias/app' })).arn
  proxy = createServer().on('connect', onConnect)
  secureProxy = createTlsServer(tls).on('connect', onConnect) as Server
  for (const server of [proxy, secureProxy])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  if (!hasOpenssl) return
  proxy.closeAllConnections()
  secureProxy.closeAllConnections()
  proxy.close()
  secureProxy.close()
  await kms.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  asked.length = 0
  answer = 'connect'
  space = await workspace({
    'main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const a = secret.env('VALUE')\n`,
  })
})

/** No endpoint is configured: the requests are for AWS's own hosts. */
const through = (extra: Record<string, string | undefined> = {}) => ({
  AWS_ACCESS_KEY_ID: kms.admin.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: kms.admin.credentials.secretAccessKey,
  AWS_REGION: 'us-east-1',
  HTTPS_PROXY: `http://${addressOf(proxy)}`,
  AWS_CA_BUNDLE: ca(),
  UNPLUGIN_KMS_AWS_TIMEOUT_MS: '20000',
  VALUE: 'sealed-through-a-proxy',
  ...extra,
})

/** Runs a command on a version of Node. */
function on(node: string | undefined, args: string[], env: Record<string, string | undefined>) {
  const [, ...command] = space.command(args)
  return new Promise<{ code: number; stderr: string }>((resolve) => {
    const options = { cwd: space.folder, env: { ...space.env, ...env } }
    execFile(node!, command, options, (error, _, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stderr }),
    )
  })
}

const init = (env: Record<string, string | undefined>) =>
  space.cli(['init', '--key', keyId, '--no-types'], { env })
const build = () => ['build', 'main.ts', '--outdir', 'out', '--key', keyId]

const NODES = [
  { version: process.versions.node, node: process.execPath },
  ...([22, 24] as const).map((major) => ({ version: `${major}`, node: lambdaNode(major) })),
]

describe.skipIf(!hasOpenssl)(
  'behind a CONNECT proxy that shows a private CA (needs openssl)',
  () => {
    describe.each(NODES)('Node $version', ({ node }) => {
      // Lambda's versions of Node come from npm, where a machine has them.
      const isHere = node !== undefined && existsSync(node)

      it.skipIf(!isHere)('creates a secrets file and builds, with AWS_CA_BUNDLE', async () => {
        const made = await on(node, ['init', '--key', keyId, '--no-types'], through())
        expect(made).toMatchObject({ code: 0 })
        expect(await on(node, build(), through())).toMatchObject({ code: 0 })
        expect(new Set(asked)).toEqual(new Set([`${HOST}:443`]))
      })

      it.skipIf(!isHere)('builds with NODE_EXTRA_CA_CERTS and NODE_USE_ENV_PROXY', async () => {
        const env = { AWS_CA_BUNDLE: undefined, NODE_EXTRA_CA_CERTS: ca(), NODE_USE_ENV_PROXY: '1' }
        expect(await on(node, build(), through(env))).toMatchObject({ code: 0 })
        expect(asked).toEqual([`${HOST}:443`])
      })
    })

    it('uses the CA of the profile that a flag names', async () => {
      await writeFile(
        space.path('config'),
        `[profile acme]\nregion = us-east-1\nca_bundle = ${ca()}\n`,
      )
      await writeFile(
        space.path('credentials'),
        `[acme]\naws_access_key_id = ${kms.admin.credentials.accessKeyId}\naws_secret_access_key = ${kms.admin.credentials.secretAccessKey}\n`,
      )
      const env = through({
        AWS_CA_BUNDLE: undefined,
        AWS_REGION: undefined,
        AWS_CONFIG_FILE: space.path('config'),
        AWS_SHARED_CREDENTIALS_FILE: space.path('credentials'),
      })
      const args = ['init', '--key', 'alias/app', '--profile', 'acme', '--no-types']
      expect(await space.cli(args, { env })).toMatchObject({ code: 0 })
    })

    it('reaches STS through the proxy for a role', async () => {
      const { arn } = kms.createRole({
        name: 'sealer',
        policies: [
          {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }],
          },
        ],
      })
      await writeFile(
        space.path('config'),
        `[profile sealer]\nrole_arn = ${arn}\ncredential_source = Environment\n`,
      )
      const env = through({ AWS_CONFIG_FILE: space.path('config') })
      const args = ['init', '--key', keyId, '--profile', 'sealer', '--no-types']
      expect(await space.cli(args, { env })).toMatchObject({ code: 0 })
      expect(asked).toEqual(['sts.us-east-1.amazonaws.com:443', `${HOST}:443`])
    })

    it('calls the FIPS host, and writes it into the bundle', async () => {
      const env = through({ AWS_USE_FIPS_ENDPOINT: 'true' })
      expect(await space.cli(build(), { env })).toMatchObject({ code: 0 })
      expect(asked).toEqual(['kms-fips.us-east-1.amazonaws.com:443'])
      expect(readFileSync(space.path('out/main.mjs'), 'utf8')).toContain('kms-fips.us-east-1')
    })

    it('sends user and password to a proxy over https', async () => {
      answer = 'authenticate'
      const env = through({ HTTPS_PROXY: `https://me:pass%20word@${addressOf(secureProxy)}` })
      expect(await init(env)).toMatchObject({ code: 0 })
    })

    const reports = async (env: Record<string, string | undefined>, text: RegExp) => {
      const ran = await init(env)
      expect(ran.stderr).toMatch(text)
      expect(ran.stderr).toContain('[KMS_UNREACHABLE]')
      expect(ran.code).toBe(3)
      const doctor = await space.cli(['doctor', '--key', keyId], { env })
      expect(doctor.stdout).not.toContain('undefined')
      expect(doctor.code).toBe(3)
    }

    it('reports a CA that is not trusted, and the variables for it', () =>
      reports(
        through({ AWS_CA_BUNDLE: undefined }),
        /certificate of https:\/\/kms\.us-east-1\.amazonaws\.com through the proxy .* \(HTTPS_PROXY\) is not trusted .*AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS/,
      ))

    it('reports a proxy that requires a password', () => {
      answer = 'authenticate'
      return reports(
        through(),
        /does not connect to .* \(HTTP 407\).*HTTPS_PROXY=http:\/\/USER:PASSWORD@/,
      )
    })

    it('reports a proxy that forbids the host', () => {
      answer = 'forbid'
      return reports(through(), /does not connect to .* \(HTTP 403\).*NO_PROXY/)
    })

    it('reports a proxy that never answers, within the limit', () => {
      answer = 'hang'
      return reports(
        through({ UNPLUGIN_KMS_AWS_TIMEOUT_MS: '900' }),
        /through the proxy .*in time.*UNPLUGIN_KMS_AWS_TIMEOUT_MS/,
      )
    })

    it('reports a proxy that refuses connections', () =>
      reports(
        through({ HTTPS_PROXY: 'http://127.0.0.1:1' }),
        /through the proxy 127\.0\.0\.1:1 \(HTTPS_PROXY\) refused the connection \(ECONNREFUSED\)/,
      ))

    it('reports a CA file that cannot be read, or is not one', async () => {
      const missing = await init(through({ AWS_CA_BUNDLE: '/none.pem' }))
      expect(missing.stderr).toMatch(/AWS_CA_BUNDLE names \/none\.pem.*\[AWS_CONFIG_INVALID\]/)
      expect(missing.code).toBe(3)
      const wrong = await init(through({ AWS_CA_BUNDLE: space.path('main.ts') }))
      expect(wrong.stderr).toMatch(/contains no certificate in PEM.*\[AWS_CONFIG_INVALID\]/)
    })
  },
)
