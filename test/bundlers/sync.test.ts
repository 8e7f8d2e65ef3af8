import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Options } from '../../src/options/types.js'
import { shareOf } from '../support/combinations.js'
import { project } from '../support/project.js'
import { bench, buildProject, decrypts, expectClean, type Bench } from './fixture.js'
import { HOSTS, run, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'planted-value-7Q'
const ALL = Object.keys(HOSTS) as HostName[]
const TESTED = (process.env.ONLY?.split(',') as HostName[] | undefined) ?? ALL

const SOURCE = `import { secret } from 'unplugin-kms/secret/sync'
import { secret as later } from 'unplugin-kms/secret'
const key = secret.env('KEY')
const parsed = secret.named('CONFIG', 'json') as { port: number }
later.env('KEY').then((awaited) => console.log(JSON.stringify([key, parsed.port, awaited])))
`

describe.for(TESTED)('synchronous marks in CommonJS of %s', (host) => {
  async function printedBy(options: Options) {
    const root = await project({ 'src/main.ts': SOURCE })
    const built = await buildProject(
      shared,
      host,
      root,
      { format: 'cjs', options: { env: { KEY: VALUE }, ...options } },
      { CONFIG: '{"port":5432}' },
    )
    expect(built.failed, built.terminal).toBe(false)
    expectClean(built, { plaintexts: [VALUE] })
    const before = decrypts(shared.kms)
    const { stdout, stderr } = await run(process.execPath, [join(built.outdir, 'main.cjs')], {
      ...shared.kms.env,
      NODE_OPTIONS: '',
    })
    expect(stderr).toBe('')
    return { printed: JSON.parse(stdout) as unknown, decrypts: decrypts(shared.kms) - before }
  }

  it('are plain values, and share the unwrap with marks that are awaited', async () => {
    expect(await printedBy({})).toEqual({ printed: [VALUE, 5432, VALUE], decrypts: 1 })
  })

  it.each(
    shareOf<[string, Options, number]>(
      [
        ['may have ciphertexts of their own', { mode: 'direct' }, 3],
        ['are plain values in modules that are not transformed', { include: [] }, 1],
      ],
      ALL.indexOf(host),
      2,
    ),
  )('%s', async (_, options, calls) => {
    const { printed, decrypts } = await printedBy(options)
    expect(printed).toEqual([VALUE, 5432, VALUE])
    expect(decrypts).toBe(calls)
  })
})

// Farm 1.7 writes top-level await into functions that are not async.
it.runIf(TESTED.includes('farm'))('are plain values in ES modules of Farm', async () => {
  const root = await project({
    'src/main.ts': `import { key } from './marked.js'\nvoid import('./lazy.js').then(({ again }) => console.log(JSON.stringify([key, again])))\n`,
    'src/lazy.ts': `import { key } from './marked.js'\nexport const again = key\n`,
    'src/marked.ts': `import { secret } from 'unplugin-kms/secret/sync'\nexport const key = secret.env('KEY')\n`,
  })
  const options = { env: { KEY: VALUE } }
  const built = await buildProject(shared, 'farm', root, { format: 'esm', options })
  expect(built.failed, built.terminal).toBe(false)
  const { stdout, stderr } = await run(process.execPath, [join(built.outdir, 'main.mjs')], {
    ...shared.kms.env,
    NODE_OPTIONS: '',
  })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([VALUE, VALUE])
})

it('fails when its module is loaded, and names the secret', async () => {
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret/sync'\nexport const key = secret.env('KEY')\n`,
  })
  const options = {
    env: { KEY: VALUE },
    runtime: { attemptTimeoutMs: 400, deadlineMs: 800, maxAttempts: 1 },
  }
  const built = await buildProject(shared, 'esbuild', root, { format: 'cjs', options })
  const fault = shared.kms.faults.add({
    kind: 'error',
    type: 'DisabledException',
    operation: 'Decrypt',
  })
  const { code, stderr } = await run(process.execPath, [join(built.outdir, 'main.cjs')], {
    ...shared.kms.env,
    NODE_OPTIONS: '',
  })
  fault.remove()
  expect(code).toBe(1)
  expect(stderr).toMatch(/KmsSecretError\]: KEY: .*\[KMS_FAILED]/)
})
