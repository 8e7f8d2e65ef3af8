import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { project } from '../support/project.js'
import { bench, buildProject, decrypts, expectClean, printed, type Bench } from './fixture.js'
import { ABSENT, type HostName } from './hosts.js'
import { triesAll } from '../support/combinations.js'

let shared: Bench
beforeAll(async () => {
  process.env.UNPLUGIN_KMS_SEED = Buffer.alloc(32, 7).toString('base64')
  shared = await bench()
})
afterAll(async () => {
  delete process.env.UNPLUGIN_KMS_SEED
  await shared.close()
})

const VALUES = { KEY: 'planted-value-of-key-7Q', JSON: '{"user":"planted-user-8R"}' }
const FILES = {
  'src/main.ts': `import { key, user } from './keys.js'
Promise.all([key, user]).then((all) => console.log(JSON.stringify(all)))
`,
  'src/keys.ts': `import { secret } from 'unplugin-kms/secret'
export const key: Promise<string> = secret.env('KEY')
export const user = secret.file('./user.json', 'json')
`,
  'src/user.json': VALUES.JSON,
}
const TOKEN = /kms:v1:[\w-]+/g
const HOSTS: HostName[] = [
  'esbuild',
  'rollup',
  'rolldown',
  'vite',
  'webpack',
  'rspack',
  'farm',
  'bun',
]

async function buildBoth(host: HostName, files: Record<string, string>) {
  const built = []
  for (const options of [{}, { exclude: /keys/ }]) {
    const root = await project(files)
    const one = await buildProject(shared, host, root, {
      maps: 'file',
      options: { env: { ...process.env, KEY: VALUES.KEY }, ...options },
    })
    built.push(one)
  }
  return built
}

describe.each(HOSTS)('a module that the options exclude under %s', (host) => {
  const skipped = ABSENT[host]
  const at = HOSTS.indexOf(host)

  it.skipIf(skipped)(
    'decrypts the same tokens as a transformed module, with one call',
    async () => {
      const built = await buildBoth(host, FILES)
      const tokens: string[][] = []
      for (const one of built) {
        expect(one.failed, one.terminal).toBe(false)
        expectClean(one, { plaintexts: ['planted-value-of-key-7Q', 'planted-user-8R'] })
        const before = decrypts(shared.kms)
        expect(await printed(shared, one, { plaintexts: [] }, '.mjs')).toEqual([
          VALUES.KEY,
          JSON.parse(VALUES.JSON),
        ])
        expect(decrypts(shared.kms) - before).toBe(1)
        const text = await readFile(join(one.outdir, 'main.mjs'), 'utf8')
        tokens.push([...new Set(text.match(TOKEN))].sort())
      }
      expect(tokens[0]).toHaveLength(2)
      expect(tokens[1]).toEqual(tokens[0])
    },
  )

  it.runIf(!skipped && (triesAll || at % 2 === 0))(
    'fails the build in the same way if an output contains a value',
    async () => {
      const leaking = {
        ...FILES,
        'src/main.ts': `${FILES['src/main.ts']}console.log('${VALUES.KEY}')\n`,
      }
      for (const one of await buildBoth(host, leaking)) {
        expect(one.failed).toBe(true)
        expect(one.terminal).toContain('[LEAK]')
        expect(one.files).toEqual([])
      }
    },
  )

  it.runIf(!skipped && (triesAll || at % 2 === 1))(
    'may not pass the marker on as a value',
    async () => {
      const root = await project({
        ...FILES,
        'src/main.ts': `import { secret } from './keys.js'
try { secret.env('OTHER-argument') } catch (error) { console.log(JSON.stringify(error.message)) }
`,
        'src/keys.ts': `import { secret } from 'unplugin-kms/secret'
export { secret }
`,
      })
      const { failed, terminal } = await buildProject(shared, host, root, {
        options: { exclude: /keys/ },
      })
      expect(failed).toBe(true)
      expect(terminal).toContain('[MARK_AS_VALUE]')
    },
  )
})
