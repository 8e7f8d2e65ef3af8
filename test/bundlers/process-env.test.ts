import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as commonjs from '@rollup/plugin-commonjs'
import * as nodeResolve from '@rollup/plugin-node-resolve'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Options } from '../../src/options/types.js'
import { shareOf, triesAll } from '../support/combinations.js'
import { project } from '../support/project.js'
import { bench, buildProject, decrypts, expectClean, type Bench } from './fixture.js'
import { HOSTS, run, type Cell, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const STRIPE_KEY = 'sk_live_planted-7Q'
const DB_URL = 'postgres://app:planted-8R@db/app'
const MARKED = 'planted-marked-9S'
const VALUES = { STRIPE_KEY, DB_URL }
const FIXTURE = join(import.meta.dirname, '../../fixtures/process-env')
const ALL = Object.keys(HOSTS) as HostName[]
const TESTED = (process.env.ONLY?.split(',') as HostName[] | undefined) ?? ALL
const FORMATS: Cell['format'][] = ['esm', 'cjs']
const WAYS = TESTED.flatMap((host, at) =>
  shareOf(FORMATS, at, FORMATS.length).map((format) => ({ host, format })),
)
const extension = (format: Cell['format']) => (format === 'cjs' ? '.cjs' : '.mjs')

const OPTIONS: Options = {
  processEnv: { STRIPE_KEY: { named: 'STRIPE_KEY' }, DB_URL: { env: 'DB_URL' } },
  env: { DB_URL, MARKED },
}

/** What Rollup needs for packages and CommonJS. */
const PLUGINS: Partial<Record<HostName, Partial<Cell>>> = {
  rollup: {
    after: [nodeResolve.nodeResolve(), Reflect.apply(commonjs.default as never, undefined, [])],
  },
}

const TWO_ENTRIES: [string, Partial<Cell>] = [
  'in a bundle of two entries',
  { entries: { main: 'main.ts', second: 'second.ts' } },
]
const BLOCKING: Options = { processEnvOptions: { cjs: 'blocking' } }

/** Farm 1.7 builds no export with a quoted name, and mistakes a module's `process` for that of another. */
async function adaptToFarm(file: string) {
  const text = await readFile(file, 'utf8')
  const adapted = text
    .replace("inCycle as 'a name with spaces'", 'inCycle')
    .replace(/export const (process|URL|Buffer) =/g, 'export const own_$1 =')
  await writeFile(file, adapted)
}

/** Builds the fixture, whose package is next to the outputs too. */
async function built(host: HostName, cell: Partial<Cell>, outputOf?: (root: string) => object) {
  const root = await project({})
  await cp(join(FIXTURE, 'src'), join(root, 'src'), { recursive: true })
  if (host === 'farm') await adaptToFarm(join(root, 'src/main.ts'))
  await cp(join(FIXTURE, 'packages'), join(root, 'node_modules'), { recursive: true })
  const outcome = await buildProject(
    shared,
    host,
    root,
    {
      ...PLUGINS[host],
      ...cell,
      ...(outputOf && { more: outputOf(root) }),
      options: { ...OPTIONS, ...cell.options },
    },
    { STRIPE_KEY },
  )
  expect(outcome.failed, outcome.terminal).toBe(false)
  expectClean(outcome, { plaintexts: [STRIPE_KEY, DB_URL, MARKED] })
  return { root, ...outcome, main: join(outcome.outdir, `main${extension(cell.format!)}`) }
}

/** Runs a file with the embedded KMS. */
async function ran(file: string, args: string[] = [], env: Record<string, string> = {}) {
  return run(process.execPath, [file, ...args], { ...shared.kms.env, NODE_OPTIONS: '', ...env })
}

describe.for(WAYS)('variables that a bundle of $host sets, $format', ({ host, format }) => {
  const at = ALL.indexOf(host)
  const inPart = (part: number, parts: number) => triesAll || at % parts === part
  const expectedOrder = (names: string[]) =>
    Object.fromEntries(names.map((name) => [name, [STRIPE_KEY, DB_URL]]))
  // Farm 1.7 drops modules that are imported for their effects alone.
  const MODULES = ['order', 'cycle-b', 'cycle-a', 'deep', 'shared', 'others', 'main', 'lazy']
  if (host !== 'farm') MODULES.push('first')

  const others: [string, Partial<Cell>][] = [
    ['next to a package outside of the bundle', { external: ['read-outside'] }],
    // Farm 1.7 builds no entry that imports another.
    ...(host === 'farm' ? [] : [TWO_ENTRIES]),
    ['in a minified bundle', { minify: true, maps: 'file' }],
  ]
  const blocking: [string, Partial<Cell>] = ['in CommonJS that blocks', { options: BLOCKING }]
  it.each<[string, Partial<Cell>]>([
    ['in one bundle', {}],
    ...shareOf(others, at, 3),
    ...(format === 'cjs' ? [blocking] : []),
  ])('are set before any module is evaluated, %s', async (_, cell) => {
    const { main } = await built(host, { format, ...cell })
    const before = decrypts(shared.kms)
    const { stdout, stderr } = await ran(main, ['print'])
    expect(stderr).toBe('')
    const { order, ...rest } = JSON.parse(stdout) as { order: Record<string, unknown> }
    expect(order).toEqual(expectedOrder(MODULES))
    expect(rest).toEqual({
      atLoad: STRIPE_KEY,
      outside: STRIPE_KEY,
      lazy: [STRIPE_KEY, DB_URL],
      shared: DB_URL,
      calls: 1,
      marked: MARKED,
    })
    expect(decrypts(shared.kms) - before, 'one unwrap a process').toBe(1)
  })

  it.runIf(host === 'rollup' || host === 'rolldown')(
    'are set in a bundle of one file, next to a package outside of it',
    async () => {
      const { main } = await built(host, { format, external: ['read-outside'] }, (root) =>
        host === 'rollup'
          ? { inlineDynamicImports: true }
          : {
              dir: undefined,
              file: join(root, 'out', `main${extension(format)}`),
              codeSplitting: false,
            },
      )
      const { stdout, stderr } = await ran(main, ['print'])
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({
        order: expectedOrder(MODULES),
        outside: STRIPE_KEY,
        lazy: [STRIPE_KEY, DB_URL],
      })
    },
  )

  // The CommonJS of Farm 1.7 has another default export, with and without the plugin.
  it.runIf(inPart(0, 3) && !(host === 'farm' && format === 'cjs'))(
    'keep the names and the kinds of the exports',
    async () => {
      const { main, root } = await built(host, { format, external: ['read-outside'] })
      const script = join(root, 'read.mjs')
      const load =
        format === 'esm'
          ? `await import(${JSON.stringify(pathToFileURL(main).href)})`
          : `await createRequire(import.meta.url)(${JSON.stringify(main)})`
      await writeFile(
        script,
        `import { createRequire } from 'node:module'
const exports = ${load}
const names = Object.keys(exports).filter((name) => name !== '__esModule' && name !== 'module.exports').sort()
console.log(JSON.stringify(names.map((name) => [name, typeof exports[name]])))
console.log(JSON.stringify([exports.first(1), exports.second, (exports['a name with spaces'] ?? exports.inCycle)(), (await exports.handler()).atLoad, new exports.default() instanceof exports.default]))`,
      )
      const { stdout, stderr } = await ran(script)
      expect(stderr).toBe('')
      const [names, values] = stdout
        .split('\n')
        .map((line) => line && (JSON.parse(line) as unknown))
      const own = host === 'farm' ? 'own_' : ''
      // Vite's bundler exports more of an entry, for other chunks.
      expect(names).toEqual(
        expect.arrayContaining([
          [`${own}Buffer`, 'string'],
          [`${own}URL`, 'string'],
          ['calls', 'number'],
          ['default', 'function'],
          ['first', 'function'],
          ['handler', 'function'],
          [`${own}process`, 'string'],
          ['second', 'number'],
        ]),
      )
      expect(values).toEqual([1, 2, 'end', STRIPE_KEY, true])
    },
  )

  it.runIf(inPart(1, 3))('replace existing variables with a warning, or keep them', async () => {
    const options = (existing: 'replace' | 'keep') => ({ processEnvOptions: { existing } })
    const replaced = await built(host, { format, options: options('replace') })
    const { stdout, stderr } = await ran(replaced.main, ['print'], { STRIPE_KEY: 'test' })
    expect(JSON.parse(stdout)).toMatchObject({ atLoad: STRIPE_KEY })
    expect(stderr).toMatch(/KmsSecretWarning: .*STRIPE_KEY.*\[ENV_REPLACED]/)
    const kept = await built(host, { format, options: options('keep') })
    const result = await ran(kept.main, ['print'], { STRIPE_KEY: 'test' })
    expect(JSON.parse(result.stdout)).toMatchObject({ atLoad: 'test', shared: DB_URL })
    expect(result.stderr).toBe('')
  })

  it.each(shareOf(['file', 'inline'] as const, Math.floor(at / 2), 2))(
    'leave source maps right, maps %s',
    async (maps) => {
      const root = await project({
        'src/main.ts': `interface Unused {\n  a: string\n}\nexport const handler = () => {\n  throw new Error('here')\n}\nif (process.argv[2] === 'print') handler()\n`,
      })
      const outcome = await buildProject(
        shared,
        host,
        root,
        { format, maps, options: OPTIONS },
        VALUES,
      )
      expect(outcome.failed, outcome.terminal).toBe(false)
      const main = join(outcome.outdir, `main${extension(format)}`)
      const { stderr } = await ran(main, ['print'], { NODE_OPTIONS: '--enable-source-maps' })
      expect(stderr).toMatch(/main\.ts:5:/)
    },
  )

  const imports = [
    ['', ''],
    [', also in an entry that moves', `import 'outside'\n`],
  ] as const
  it.each(shareOf(imports, Math.floor(at / 2), 2))(
    'are searched for in the outputs%s',
    async (_, imports) => {
      const root = await project({ 'src/main.ts': `${imports}console.log('${DB_URL}')\n` })
      const outcome = await buildProject(
        shared,
        host,
        root,
        { format, external: ['outside'], options: OPTIONS },
        VALUES,
      )
      expect(outcome.failed).toBe(true)
      expect(outcome.terminal).toMatch(/DB_URL.*\n[^]*\[LEAK]/)
      expect(outcome.files).toEqual([])
    },
  )

  // Rollup does not know where a bundle runs.
  it.skipIf(host === 'rollup')('are rejected in a browser bundle', async () => {
    const root = await project({ 'src/main.ts': `console.log(1)\n` })
    const outcome = await buildProject(
      shared,
      host,
      root,
      { format, browser: true, options: OPTIONS },
      VALUES,
    )
    expect(outcome.failed).toBe(true)
    expect(outcome.terminal).toMatch(/option processEnv .*\[CLIENT_BUNDLE]/)
    expect(outcome.files).toEqual([])
  })
})
