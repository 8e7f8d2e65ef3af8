import type { PluginBuild } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, type Bench } from './fixture.js'
import { ABSENT, type Cell, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'planted-literal-value-7Q'
const INVENTED = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret('${VALUE}')\n`

const inventor = {
  name: 'inventor',
  setup: ({ onLoad }: PluginBuild) =>
    onLoad({ filter: /invented\.ts$/ }, () => ({ contents: INVENTED, loader: 'ts' })),
}

const ROWS: [HostName, Partial<Cell>][] = [
  ['esbuild', { before: [inventor] }],
  ['bun', { invented: INVENTED }],
  ['farm', { invented: INVENTED }],
]

for (const [host, cell] of ROWS)
  it.skipIf(ABSENT[host])(
    `a literal that an earlier plugin of ${host} loads for a file fails the build or is sealed`,
    async () => {
      const root = await project({
        'src/main.ts': `export { key } from './invented.js'\n`,
        'src/invented.ts': `export const key = 'nothing'\n`,
      })
      const built = await buildProject(shared, host, root, {
        maps: 'file',
        options: { plaintextLiterals: 'allow' },
        ...cell,
      })
      if (built.failed) {
        expect(built.terminal).toContain('[MARK_UNTRANSFORMED]')
        expect(built.files).toEqual([])
      } else {
        expect(built.files.some(([, bytes]) => bytes.includes('kms:v1:'))).toBe(true)
      }
      expectClean(built, { plaintexts: [VALUE] })
    },
  )
