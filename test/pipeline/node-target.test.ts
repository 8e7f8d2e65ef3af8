import { rspack } from '@rspack/core'
import { build } from 'esbuild'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { createBuilder, mergeConfig } from 'vite'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import webpack from 'webpack'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { bundleFunctions } from '../../src/bundle/bundle.js'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRolldown from '../../src/bundlers/rolldown.js'
import kmsRspack from '../../src/bundlers/rspack.js'
import kmsVite from '../../src/bundlers/vite.js'
import kmsWebpack from '../../src/bundlers/webpack.js'
import { nodeWithoutMlKem } from '../../src/pipeline/node-target.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { BUN, run as runProcess } from '../bundlers/hosts.js'
import { project } from '../support/project.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))

/** @param packageJson its members besides the type. */
async function shop(postQuantum: boolean, packageJson: object = {}) {
  const root = await project({
    'package.json': JSON.stringify({ type: 'module', ...packageJson }),
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

const webpackLike = (root: string) => ({
  context: root,
  entry: entry(root),
  mode: 'production' as const,
  output: { path: join(root, 'out') },
})

interface Compiler {
  run(
    done: (error: Error | null, stats?: { hasErrors(): boolean; toString(): string }) => void,
  ): void
}

const compile = (compiler: Compiler) =>
  new Promise((resolve, reject) => {
    compiler.run((error, stats) => {
      if (error) reject(error)
      else if (stats!.hasErrors()) reject(new Error(stats!.toString()))
      else resolve(stats)
    })
  })

/** Builds with options of the bundler's own. */
const BUILDS = {
  esbuild: (root, more) =>
    build({
      absWorkingDir: root,
      entryPoints: [entry(root)],
      outdir: join(root, 'out'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      plugins: [kmsEsbuild(optionsOf(root))],
      ...more,
    }),
  rolldown: async (root, more) => {
    const built = await rolldown({
      cwd: root,
      input: entry(root),
      platform: 'node',
      plugins: [kmsRolldown(optionsOf(root))],
      ...more,
    })
    await built.write({ dir: join(root, 'out') })
  },
  vite: async (root, more) => {
    const config = {
      root,
      configFile: false as const,
      logLevel: 'silent' as const,
      build: { ssr: entry(root), outDir: join(root, 'out') },
      environments: { ssr: {} },
      plugins: [kmsVite(optionsOf(root))],
    }
    const builder = await createBuilder(mergeConfig(config, more))
    await builder.build(builder.environments.ssr!)
  },
  webpack: (root, more) =>
    compile(webpack({ ...webpackLike(root), plugins: [kmsWebpack(optionsOf(root))], ...more })),
  rspack: (root, more) =>
    compile(rspack({ ...webpackLike(root), plugins: [kmsRspack(optionsOf(root))], ...more })),
} satisfies Record<string, (root: string, more: object) => Promise<unknown>>

type Case = [bundler: keyof typeof BUILDS, what: string, more: object, packageJson?: object]

const EARLIER: Case[] = [
  ['esbuild', 'node22', { target: 'node22' }],
  ['esbuild', 'node24.6', { target: ['es2022', 'node24.6'] }],
  ['rolldown', 'node22', { transform: { target: 'node22' } }],
  ['vite', 'node22', { build: { target: 'node22' } }],
  ['vite', 'node20', { environments: { ssr: { build: { target: 'node20' } } } }],
  ...(['webpack', 'rspack'] as const).flatMap((bundler): Case[] => [
    [bundler, 'node22', { target: 'node22' }],
    [bundler, 'node20.19', { target: ['es2022', 'async-node20.19'] }],
    [bundler, 'node22.16', { target: 'browserslist:node 22.16' }],
    [bundler, 'node20', { target: 'browserslist:node >= 20.0.0' }],
    [bundler, 'node22.4', {}, { browserslist: ['node 22.4'] }],
    [
      bundler,
      'node18.12',
      { target: 'browserslist:old' },
      { browserslist: { old: ['node 18.12'] } },
    ],
  ]),
]

const SUITABLE: Case[] = [
  ['esbuild', 'node24', { target: 'node24' }],
  ['rolldown', 'node24', { transform: { target: 'node24' } }],
  ['vite', 'node24', { build: { target: 'node24' } }],
  [
    'vite',
    'node24 for the server',
    {
      build: { target: 'node22' },
      environments: { ssr: { build: { target: 'node24' } } },
    },
  ],
  ...(['webpack', 'rspack'] as const).flatMap((bundler): Case[] => [
    [bundler, 'node', { target: 'node' }],
    [bundler, 'node24', { target: 'node24' }],
    [bundler, 'the latest node 24 of browserslist', { target: 'browserslist:node 24' }],
    [bundler, 'node 24.8 in package.json', {}, { browserslist: ['node 24.8'] }],
  ]),
]

describe('a build with an ML-KEM pair', () => {
  it.each(EARLIER)('of %s is rejected for %s, with the place of the mark', async (...one) => {
    const [bundler, target, more, packageJson] = one
    await expect(BUILDS[bundler](await shop(true, packageJson), more)).rejects.toThrow(
      new RegExp(
        `main\\.js:2:18: secret\\.named\\('DB'\\) is sealed to an ML-KEM pair[^]*target is ${target}[.\\d]*\\. [^]*\\[TARGET_UNSUPPORTED\\]`,
      ),
    )
  })

  it.each(SUITABLE)('of %s is allowed for %s', async (bundler, _, more, packageJson) => {
    await expect(BUILDS[bundler](await shop(true, packageJson), more)).resolves.not.toThrow()
  })

  it('of Bun is rejected for a Bun without ML-KEM, and allowed for Node.js', async () => {
    const root = await shop(true)
    const script = join(root, 'build.ts')
    await writeFile(
      script,
      `import kms from ${JSON.stringify(join(import.meta.dirname, '../../src/bundlers/bun.ts'))}
const built = await Bun.build({
  entrypoints: [${JSON.stringify(entry(root))}],
  outdir: 'out',
  target: process.argv[2],
  plugins: [kms(${JSON.stringify(optionsOf(root))})],
})
console.log(built.success)`,
    )
    const forBun = await runProcess(BUN, [script, 'bun'], {}, root)
    expect(forBun.stderr).toMatch(/target is Bun \d[^]*\[TARGET_UNSUPPORTED\]/)
    expect(forBun.code).toBe(1)
    const forNode = await runProcess(BUN, [script, 'node'], {}, root)
    expect(forNode).toMatchObject({ code: 0, stdout: 'true\n' })
  })
})

it.each(Object.keys(BUILDS) as (keyof typeof BUILDS)[])(
  'a build of %s with a P-256 pair is allowed for an earlier Node.js',
  async (bundler) => {
    const [, , more] = EARLIER.find(([name]) => name === bundler)!
    await expect(BUILDS[bundler](await shop(false), more)).resolves.not.toThrow()
  },
)

it('rejects variables of the option processEnv that are sealed to an ML-KEM pair', async () => {
  const root = await shop(true)
  await writeFile(entry(root), 'console.log(process.env.DB)\n')
  const options = { ...optionsOf(root), processEnv: ['DB'] }
  const more = { plugins: [kmsEsbuild(options)], target: 'node22' }
  await expect(BUILDS.esbuild(root, more)).rejects.toThrow('TARGET_UNSUPPORTED')
})

it('rejects the default runtime of the command that builds Lambda bundles', async () => {
  const root = await shop(true)
  const options = { entries: [entry(root)], outdir: join(root, 'lambda'), kms: optionsOf(root) }
  await expect(bundleFunctions(options)).rejects.toThrow('TARGET_UNSUPPORTED')
  await bundleFunctions({ ...options, runtime: 'nodejs24.x' })
})

it.each([
  ['node22', 'node22'],
  ['node24', undefined],
  ['node24.6', 'node24.6'],
  ['node24.7', undefined],
  ['node24.10', undefined],
  ['node 24.7.0', undefined],
  ['node 22.23.0', 'node22.23'],
  ['async-node18.12', 'node18.12'],
  ['es2022,node22.1', 'node22.1'],
  [['es2022', 'node24', 'node20.19'], 'node20.19'],
  [['node24', 'node24.5.1'], 'node24.5'],
  ['es2022', undefined],
  [undefined, undefined],
  [false, undefined],
])('takes the target %j for the Node.js without ML-KEM %s', (targets, expected) => {
  expect(nodeWithoutMlKem(targets)).toBe(expected)
})
