import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, type Bench } from './fixture.js'
import { ABSENT, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const OLD = 'planted-old-value-7Q'
const FILES = {
  'src/main.ts': `import { secret } from 'unplugin-kms/secret'
// secret('${OLD}')
export const key: Promise<string> = secret.env('KEY')
`,
}
const options = { env: { KEY: 'planted-new-value-8R' } }
const plaintexts = [OLD, options.env.KEY]
const HOSTS: HostName[] = ['esbuild', 'rollup', 'rolldown', 'vite', 'webpack', 'rspack', 'bun']

describe.each(HOSTS)('a literal in a mark that is commented out, under %s', (host) => {
  it.skipIf(ABSENT[host])('fails the build if plaintextLiterals is error', async () => {
    const root = await project(FILES)
    const built = await buildProject(shared, host, root, {
      maps: 'file',
      options: { ...options, plaintextLiterals: 'error' },
    })
    expect(built.failed).toBe(true)
    expect(built.terminal).toContain('[PLAINTEXT_LITERAL]')
    expect(built.terminal).toContain('main.ts:2:4')
    expect(built.files).toEqual([])
    expectClean(built, { plaintexts })
  })

  it.skipIf(ABSENT[host])(
    'leaves no plaintext in the comments of a module that is not rewritten',
    async () => {
      const root = await project(FILES)
      const built = await buildProject(shared, host, root, {
        maps: 'file',
        options: { ...options, include: [] },
      })
      // Some bundlers keep comments: the module is rejected then.
      if (built.failed) expect(built.terminal).toContain('[MARK_UNTRANSFORMED]')
      expectClean(built, { plaintexts })
    },
  )
})

it('esbuild fails on a literal in a comment that it would keep in its output', async () => {
  const root = await project({
    'src/main.ts': FILES['src/main.ts'].replace('//', '//! @license'),
  })
  const built = await buildProject(shared, 'esbuild', root, {
    options: { ...options, include: [] },
  })
  expect(built.failed).toBe(true)
  expect(built.terminal).toContain('[MARK_UNTRANSFORMED]')
  expectClean(built, { plaintexts })
})
