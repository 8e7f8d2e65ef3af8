import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { expect, it, onTestFinished } from 'vitest'
import type { ModuleResponse, NextTarget } from '../../src/frameworks/next-modules.js'
import { startSession } from '../../src/frameworks/next-session.js'
import { withKms } from '../../src/frameworks/next.js'
import type { Options } from '../../src/options/types.js'
import { KEY_ARN, project, secretsFile } from '../support/project.js'
import { ask } from './ask.js'

const MARKED = `import { secret } from 'unplugin-kms/secret'
export const key = secret.env('STRIPE_KEY')
`
const env = { STRIPE_KEY: 'sk_live_of_a_test' }

async function session(optionsIn: (root: string) => Options = () => ({}), isDev = false) {
  const kms = await startLocalKms()
  onTestFinished(() => kms.close())
  const { arn } = await kms.createKey()
  const root = await project({})
  const aws = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  const { address, build } = startSession({ keyId: arn, aws, env, ...optionsIn(root) }, root, isDev)
  const transform = (code: string, target: NextTarget, file = 'lib/secrets.ts') =>
    ask(address, { code, id: join(root, file), target })
  return { transform, address, build, root, kms }
}

it('creates one data key pair for all loaders of a Next.js build', async () => {
  const { transform, kms } = await session()
  const targets = ['server', 'server', 'server'] as const
  const answers = await Promise.all(
    targets.map((target, index) => transform(MARKED, target, `lib/${index}.ts`)),
  )
  for (const { result } of answers) expect(result!.code).toContain('kms:v1:')
  expect(kms.journal.map(({ operation }) => operation)).toEqual([
    'GenerateDataKeyPairWithoutPlaintext',
  ])
})

it('rejects the option processEnv, and names the place where Next.js sets variables', async () => {
  const root = await project({})
  const all: Options['processEnv'][] = [true, ['STRIPE_KEY'], { STRIPE_KEY: { env: 'STRIPE_KEY' } }]
  for (const processEnv of all)
    expect(() => startSession({ processEnv: processEnv!, env }, root, false)).toThrow(
      /option processEnv has no effect in Next\.js.*register\(\) of instrumentation\.ts.*\[OPTIONS_INVALID]/,
    )
})

it('emits code for Next.js that imports only what the package publishes', async () => {
  const { transform } = await session()
  const { result } = await transform(MARKED, 'server')
  const imported = [...result!.code.matchAll(/from '([^']*)'/g)].map(([, name]) => name)
  expect(imported).toEqual(['unplugin-kms/next/shim'])
  expect(result!.code).not.toContain(env.STRIPE_KEY)
})

it('rejects a mark in a browser module of Next.js, and says where marks are allowed', async () => {
  const { transform } = await session()
  const { error } = await transform(MARKED, 'browser')
  expect(error).toMatch(/^lib\/secrets\.ts:2:20: .*Server Components[^]*\[CLIENT_BUNDLE\]$/s)
})

it('lets Next.js remove getServerSideProps from a page', async () => {
  const { transform } = await session()
  const page = `${MARKED}export const getServerSideProps = () => key\n`
  const { result, error } = await transform(page, 'browser', 'pages/index.tsx')
  expect(error).toBeUndefined()
  expect(result!.code).toContain('in a browser bundle')
  expect(result!.code).not.toContain(env.STRIPE_KEY)
})

it('rejects a mark in the Edge runtime', async () => {
  const { transform } = await session()
  expect((await transform(MARKED, 'edge')).error).toMatch(/proxy\.ts.*\[EDGE_RUNTIME\]$/)
})

it('reads a changed secrets file again while Next.js develops', async () => {
  const { transform, root } = await session(
    (root) => ({ keyId: KEY_ARN, secretsFile: join(root, 'kms-secrets.json') }),
    true,
  )
  const named = MARKED.replace("env('STRIPE_KEY')", "named('DB_PASSWORD')")
  const tokenIn = ({ result }: ModuleResponse) => /kms:v1:[\w-]+/.exec(result!.code)![0]
  await secretsFile(join(root, 'kms-secrets.json'), { DB_PASSWORD: 'the first password' })
  const first = await transform(named, 'server')
  expect(first.watched).toContain(join(root, 'kms-secrets.json'))
  await secretsFile(join(root, 'kms-secrets.json'), { DB_PASSWORD: 'the second password' })
  expect(tokenIn(await transform(named, 'server'))).not.toBe(tokenIn(first))
})

it('uses test values in a dev server of Next.js without KMS', async () => {
  const { transform, kms, root } = await session(
    (root) => ({ dev: { values: join(root, '.env.values') } }),
    true,
  )
  await writeFile(join(root, '.env.values'), 'STRIPE_KEY=sk_test_of_nobody\n')
  const { result } = await transform(MARKED, 'server')
  expect(result!.code).toContain(Buffer.from('sk_test_of_nobody').toString('base64'))
  expect(kms.journal).toEqual([])
})

it('answers only requests with the token of the session', async () => {
  const { address } = await session()
  const asked = { code: MARKED, id: '/secrets.ts', target: 'server' }
  expect(await ask({ ...address, token: 'x'.repeat(address.token.length) }, asked)).toBeNull()
  expect(await ask({ ...address, token: '' }, asked)).toBeNull()
})

it('keeps the rules and functions of a Next.js configuration', async () => {
  const called: string[] = []
  const config = await withKms({
    transpilePackages: ['theirs'],
    experimental: { turbopackFileSystemCacheForDev: true },
    turbopack: { rules: { '*.svg': ['their-loader'] } },
    webpack: (webpackConfig: object) => {
      called.push('webpack')
      return webpackConfig
    },
  })('phase-production-build', {})
  expect(config.transpilePackages).toContain('theirs')
  expect(config.experimental).toMatchObject({
    turbopackFileSystemCacheForDev: true,
    turbopackFileSystemCacheForBuild: false,
  })
  expect(config.turbopack.rules['*.svg']).toEqual(['their-loader'])
  const webpackConfig = { module: { rules: [] as unknown[] } }
  ;(config.webpack as Function)(webpackConfig, { isServer: true })
  expect(webpackConfig.module.rules).toHaveLength(1)
  expect(called).toEqual(['webpack'])
})

it('does not change the configuration of a running Next.js app', async () => {
  const theirs = { reactStrictMode: true }
  expect(await withKms(theirs)('phase-production-server', {})).toBe(theirs)
})
