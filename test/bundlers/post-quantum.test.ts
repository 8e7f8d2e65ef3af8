import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Options } from '../../src/options/types.js'
import { shareOf } from '../support/combinations.js'
import { hasMlKem, mlKemNode, withMlKem } from '../support/ml-kem-node.js'
import { project } from '../support/project.js'
import { bench, buildProject, decrypts, expectClean, type Bench } from './fixture.js'
import { BUN, HOSTS, run, type Cell, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench('ML-KEM-1024')))
afterAll(() => shared.close())

const VALUE = 'planted-value-4M'
const ENTRY = 'planted-entry-5N'
const ALL = Object.keys(HOSTS) as HostName[]
const TESTED = (process.env.ONLY?.split(',') as HostName[] | undefined) ?? ALL

const MARKS = `import { secret } from 'unplugin-kms/secret'
const print = async () => console.log(JSON.stringify(await Promise.all([
  secret.named('ENTRY'),
  secret.env('VALUE'),
  secret.file('./value.bin', 'bytes').then((bytes) => new TextDecoder().decode(bytes)),
])))
void print()
`
const SYNC = `import { secret } from 'unplugin-kms/secret/sync'
const entry = secret.named('ENTRY')
const value = secret.env('VALUE')
const bytes = new TextDecoder().decode(secret.file('./value.bin', 'bytes'))
console.log(JSON.stringify([entry, value, bytes]))
`
const VARIABLES = `console.log(JSON.stringify([process.env.ENTRY, process.env.VALUE, process.env.VALUE]))
`
const ENVIRONMENT: Options = {
  processEnv: { ENTRY: { named: 'ENTRY' }, VALUE: { env: 'VALUE' } },
}

const WAYS: [string, string, Cell['format'], Options][] = [
  ['marks that are awaited, in ES modules', MARKS, 'esm', {}],
  ['marks that are awaited, in CommonJS', MARKS, 'cjs', {}],
  ['synchronous marks, in ES modules', SYNC, 'esm', {}],
  ['synchronous marks, in CommonJS', SYNC, 'cjs', {}],
  ['variables of ES modules', VARIABLES, 'esm', ENVIRONMENT],
  ['variables of CommonJS that waits', VARIABLES, 'cjs', ENVIRONMENT],
  [
    'variables of CommonJS that blocks',
    VARIABLES,
    'cjs',
    { ...ENVIRONMENT, processEnvOptions: { cjs: 'blocking' } },
  ],
]

/** A way of each bundler, or all ways. */
const CASES = TESTED.flatMap((host, at) =>
  shareOf(WAYS, at, WAYS.length).map(([way, source, format, options]) => {
    const cell: Partial<Cell> = { format, options: { env: { VALUE }, ...options } }
    return { title: `${way} of ${host}`, host, source, cell }
  }),
)

describe.for(CASES)('with an ML-KEM pair, $title', ({ host, source, cell }) => {
  async function built() {
    const root = await project({ 'src/main.ts': source, 'src/value.bin': VALUE })
    const outcome = await buildProject(shared, host, root, cell, { ENTRY })
    expect(outcome.failed, outcome.terminal).toBe(false)
    expectClean(outcome, { plaintexts: [VALUE, ENTRY] })
    return join(outcome.outdir, cell.format === 'cjs' ? 'main.cjs' : 'main.mjs')
  }

  async function ran(node: string) {
    const bundle = await built()
    const before = decrypts(shared.kms)
    const result = await run(node, [bundle], { ...shared.kms.env, NODE_OPTIONS: '' })
    return { ...result, decrypts: decrypts(shared.kms) - before }
  }

  it.skipIf(!mlKemNode)(`open with one Decrypt ${withMlKem}`, async () => {
    const { stdout, stderr, decrypts } = await ran(mlKemNode!)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([ENTRY, VALUE, VALUE])
    expect(decrypts).toBe(1)
  })

  it.skipIf(hasMlKem)(`are rejected without a call of KMS on ${process.version}`, async () => {
    const { code, stdout, stderr, decrypts } = await ran(process.execPath)
    expect({ code, stdout, decrypts }).toEqual({ code: 1, stdout: '', decrypts: 0 })
    expect(stderr).toMatch(
      /KmsSecretError.*: (?:ENTRY|VALUE|\.\/value\.bin): ML-KEM needs Node\.js 24\.7 or later, and this is v\d+[^]*NODE_UNSUPPORTED/,
    )
  })
})

it('rejects an ML-KEM pair under Bun, which has no ML-KEM, by its name', async () => {
  const root = await project({ 'src/main.ts': MARKS, 'src/value.bin': VALUE })
  const { outdir } = await buildProject(
    shared,
    'esbuild',
    root,
    { options: { env: { VALUE } } },
    { ENTRY },
  )
  const { code, stderr } = await run(BUN, [join(outdir, 'main.mjs')], shared.kms.env)
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /ML-KEM needs Node\.js 24\.7 or later, and this is Bun \[NODE_UNSUPPORTED]/,
  )
})
