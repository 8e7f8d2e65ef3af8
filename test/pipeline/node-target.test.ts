import { build } from 'esbuild'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { build as viteBuild } from 'vite'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import webpack from 'webpack'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { bundleFunctions } from '../../src/bundle/bundle.js'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRolldown from '../../src/bundlers/rolldown.js'
import kmsVite from '../../src/bundlers/vite.js'
import kmsWebpack from '../../src/bundlers/webpack.js'
import { lacksMlKem, lowestNode } from '../../src/pipeline/node-target.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { project } from '../support/project.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))

async function shop(postQuantum: boolean) {
  const root = await project({
    'package.json': '{"type":"module"}',
    'src/main.js': `import { secret } from 'unplugin-kms/secret'\nexport const a = secret.named('DB')\n`,
  })
  const aws = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  const options = { secretsFile: join(root, 'kms-secrets.json'), aws }
  const { arn } = await kms.createKey()
  await initSecretsFile({ ...options, keyIds: [arn], types: false, postQuantum })
  await setSecret('DB', 'hunter2', options)
  return root
}

const optionsOf = (root: string) => ({ secretsFile: join(root, 'kms-secrets.json') })
const entry = (root: string) => join(root, 'src/main.js')

const BUILDS: Record<string, (root: string, target: string) => Promise<unknown>> = {
  esbuild: (root, target) =>
    build({
      absWorkingDir: root,
      entryPoints: [entry(root)],
      outdir: join(root, 'out'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      target,
      plugins: [kmsEsbuild(optionsOf(root))],
    }),
  rolldown: async (root, target) => {
    const built = await rolldown({
      cwd: root,
      input: entry(root),
      platform: 'node',
      transform: { target },
      plugins: [kmsRolldown(optionsOf(root))],
    })
    await built.write({ dir: join(root, 'out') })
  },
  vite: (root, target) =>
    viteBuild({
      root,
      configFile: false,
      logLevel: 'silent',
      build: { ssr: entry(root), outDir: join(root, 'out'), target },
      plugins: [kmsVite(optionsOf(root))],
    }),
  webpack: (root, target) =>
    new Promise((resolve, reject) => {
      const compiler = webpack({
        context: root,
        entry: entry(root),
        target,
        mode: 'production',
        output: { path: join(root, 'out') },
        plugins: [kmsWebpack(optionsOf(root))],
      })
      compiler.run((error, stats) => {
        if (error) reject(error)
        else if (stats!.hasErrors()) reject(new Error(stats!.toString()))
        else resolve(stats)
      })
    }),
}

describe.each(Object.entries(BUILDS))('a build of %s with an ML-KEM pair', (_, run) => {
  it('is rejected for a target before Node.js 24.7, with the place of the mark', async () => {
    await expect(run(await shop(true), 'node22')).rejects.toThrow(
      /secret\.named\('DB'\) is sealed to an ML-KEM pair[^]*node22[^]*\[TARGET_UNSUPPORTED\]/,
    )
  })

  it('is allowed for Node.js 24, and with a P-256 pair for earlier ones', async () => {
    await expect(run(await shop(true), 'node24')).resolves.not.toThrow()
    await expect(run(await shop(false), 'node22')).resolves.not.toThrow()
  })
})

it('rejects the default runtime of the command that builds Lambda bundles', async () => {
  const root = await shop(true)
  const options = { entries: [entry(root)], outdir: join(root, 'lambda'), kms: optionsOf(root) }
  await expect(bundleFunctions(options)).rejects.toThrow('TARGET_UNSUPPORTED')
  await bundleFunctions({ ...options, runtime: 'nodejs24.x' })
})

it.each([
  ['node22', true],
  ['node24', false],
  ['node24.6', true],
  ['node24.7', false],
  ['node24.10', false],
  ['async-node18.12', true],
  ['es2022,node22.1', true],
  [['es2022', 'node24', 'node20.19'], true],
  ['es2022', undefined],
  [undefined, undefined],
  [false, undefined],
])('takes the target %j for a Node.js without ML-KEM: %s', (targets, expected) => {
  const node = lowestNode(targets)
  expect(node && lacksMlKem(node)).toBe(expected)
})
