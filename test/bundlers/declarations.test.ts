import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { project } from '../support/project.js'
import { bench, buildProject, type Bench } from './fixture.js'
import type { Cell } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

// As rolldown-plugin-dts does in tsdown: declarations are modules of the same build, or of a second one.
it.each([
  ['rollup', ['unplugin-kms/secret']],
  ['rollup', undefined],
  ['rolldown', ['unplugin-kms/secret']],
  ['rolldown', undefined],
] as const)(
  '%s: bundles declarations that import a type of the marker, externals %o',
  async (host, external) => {
    const root = await project({
      'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.named('KEY')\n`,
      'src/main.d.ts': `export { Secret } from 'unplugin-kms/secret'\n`,
    })
    const cell: Partial<Cell> = {
      entries: { main: 'main.ts', 'main.d': 'main.d.ts' },
      maps: 'file',
      ...(external && { external: [...external] }),
      more: {
        entryFileNames: ({ name }: { name: string }) =>
          `${name}.${name === 'main' ? 'mjs' : 'mts'}`,
      },
    }
    const named = { KEY: 'an entry of the file' }
    const { failed, terminal, outdir } = await buildProject(shared, host, root, cell, named)
    expect(failed, terminal).toBe(false)
    const read = (name: string) => readFile(join(outdir, name), 'utf8')
    expect(await read('main.mjs')).toContain('kms:v1:')
    expect(await read('main.d.mts')).toMatch(/\{ Secret \} from ["']unplugin-kms\/secret["']/)
  },
)
