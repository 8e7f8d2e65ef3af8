import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildResult, PluginBuild } from 'esbuild'
import type { OutputBundle } from 'rollup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Compiler } from 'webpack'
import { project } from '../support/project.js'
import { bench, buildProject, type Bench } from './fixture.js'
import { ABSENT, type Cell, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'planted-literal-value-7Q'
const SOURCE = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret('${VALUE}')\n`
const options = { plaintextLiterals: 'allow' } as const

const build = async (host: HostName, cell: Partial<Cell>) =>
  buildProject(shared, host, await project({ 'src/main.ts': SOURCE }), { options, ...cell })

let outdir = ''
const late = () => writeFileSync(join(outdir, 'late.txt'), VALUE)

const changesCode = {
  name: 'late',
  generateBundle: {
    order: 'post',
    handler(_: unknown, bundle: OutputBundle) {
      for (const file of Object.values(bundle))
        if (file.type === 'chunk') file.code += `// ${VALUE}`
    },
  },
}
const writesIn = (hook: 'writeBundle' | 'closeBundle') => ({
  name: 'late',
  enforce: 'post',
  [hook]: { order: 'post', sequential: true, handler: late },
})
const tapping = (hook: 'afterEmit' | 'done') => ({
  apply: ({ hooks }: Compiler) => hooks[hook].tap({ name: 'late', stage: Infinity }, late),
})
const ending = (change: (result: BuildResult) => void) => ({
  name: 'late',
  setup: ({ onEnd }: PluginBuild) => onEnd(change),
})

const WAYS: [host: HostName, what: string, cell: Partial<Cell>, file: string][] = [
  ...(['rollup', 'rolldown'] as const).map((host): (typeof WAYS)[number] => [
    host,
    'changed by a plugin of the output',
    { more: { plugins: [changesCode] } },
    'main.mjs',
  ]),
  ...(['rollup', 'rolldown', 'vite'] as const).flatMap((host): typeof WAYS => [
    [host, 'written in writeBundle', { after: [writesIn('writeBundle')] }, 'late.txt'],
    [host, 'written in closeBundle', { after: [writesIn('closeBundle')] }, 'late.txt'],
  ]),
  ...(['webpack', 'rspack'] as const).flatMap((host): typeof WAYS => [
    [host, 'written in afterEmit', { after: [tapping('afterEmit')] }, 'late.txt'],
    [host, 'written in done', { after: [tapping('done')] }, 'late.txt'],
  ]),
  ['esbuild', 'written in onEnd', { after: [ending(late)] }, 'late.txt'],
  [
    'esbuild',
    'changed in onEnd',
    { after: [ending(() => appendFileSync(join(outdir, 'main.mjs'), `// ${VALUE}`))] },
    'main.mjs',
  ],
  ['esbuild', 'written in onEnd by a plugin before ours', { before: [ending(late)] }, 'late.txt'],
  ['bun', 'written in onEnd', { late: { does: 'write', text: VALUE } }, 'late.txt'],
  ['farm', 'written in writeResources', { late: { does: 'write', text: VALUE } }, 'late.txt'],
]

describe('a plaintext in a file that no hook could prevent', () => {
  for (const [host, what, cell, file] of WAYS)
    it.skipIf(ABSENT[host])(`fails the build, which names the file: ${host}, ${what}`, async () => {
      const root = await project({ 'src/main.ts': SOURCE })
      outdir = join(root, 'out')
      const { failed, terminal } = await buildProject(shared, host, root, { options, ...cell })
      expect(failed).toBe(true)
      expect(terminal).toContain('[LEAK]')
      expect(terminal).toMatch(new RegExp(String.raw`in \S*${file}:\d`))
      expect(terminal).toContain('These files are on disk')
    })
})

it('a plaintext that a later plugin of Farm adds to a resource fails the build', async () => {
  const built = await build('farm', { late: { does: 'change', text: VALUE } })
  expect(built.failed).toBe(true)
  expect(built.terminal).toContain('[LEAK]')
  expect(built.files).toEqual([])
})

it('a plaintext in Farm’s public folder fails the build before it is copied', async () => {
  const root = await project({ 'src/main.ts': SOURCE, 'src/public/data/note.txt': VALUE })
  const built = await buildProject(shared, 'farm', root, { options })
  expect(built.failed).toBe(true)
  expect(built.terminal).toContain('[LEAK]')
  expect(built.terminal).toContain('public/data/note.txt')
  expect(built.files).toEqual([])
})

it('a plaintext that a later esbuild plugin puts into an output in memory fails the build', async () => {
  const adds = ending(({ outputFiles = [] }) => {
    for (const file of outputFiles) file.contents = Buffer.from(`${file.text}// ${VALUE}`)
  })
  const built = await build('esbuild', { after: [adds], more: { write: false } })
  expect(built.failed).toBe(true)
  expect(built.terminal).toContain('[LEAK]')
})

it.skipIf(ABSENT.bun)('Bun calls no onEnd of a later plugin if the leak check failed', async () => {
  const root = await project({ 'src/main.ts': `${SOURCE}export const twin = '${VALUE}'\n` })
  const built = await buildProject(shared, 'bun', root, {
    options,
    late: { does: 'write', text: 'harmless' },
  })
  expect(built.failed).toBe(true)
  expect(built.files).toEqual([])
})

it.each(['rollup', 'rolldown', 'vite'] as const)(
  'a plaintext in a chunk that a plugin of %s moves into a page fails the build',
  async (host) => {
    const inlines = {
      name: 'inlines',
      enforce: 'post',
      generateBundle(_: unknown, bundle: OutputBundle) {
        for (const name of Object.keys(bundle)) if (name.includes('twin')) delete bundle[name]
      },
    }
    const root = await project({
      'src/main.ts': `${SOURCE}export const twin = () => import('./twin.js')\n`,
      'src/twin.ts': `export const twin = '${VALUE}'\n`,
    })
    const built = await buildProject(shared, host, root, { options, after: [inlines] })
    expect(built.failed).toBe(true)
    expect(built.terminal).toContain('[LEAK]')
    expect(built.files).toEqual([])
  },
)
