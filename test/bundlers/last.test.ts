import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { InputOptions, OutputBundle, Plugin } from 'rollup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Compiler } from 'webpack'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, type Bench } from './fixture.js'
import type { Cell, HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'planted-literal-value-7Q'
const SOURCE = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret('${VALUE}')\n`

const options = { plaintextLiterals: 'allow' } as const

const build = async (host: HostName, cell: Partial<Cell>) =>
  buildProject(shared, host, await project({ 'src/main.ts': SOURCE }), { options, ...cell })

/** Is ordered after all other plugins, ours included. */
const late = (change: (this: { emitFile: Function }, bundle: OutputBundle) => void) => ({
  name: 'late',
  enforce: 'post',
  generateBundle: {
    order: 'post',
    handler(_: unknown, bundle: OutputBundle) {
      change.call(this as never, bundle)
    },
  },
})
const changesCode = late((bundle) => {
  for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code += `// ${VALUE}`
})
const addsFile = late(function () {
  this.emitFile({ type: 'asset', fileName: 'late.txt', source: VALUE })
})
const removesOurLastPlugin: Plugin = {
  name: 'removes-our-last-plugin',
  options: ({ plugins, ...options }: InputOptions) => ({
    ...options,
    plugins: [plugins]
      .flat(9)
      .filter((one) => one && !('name' in one && one.name.endsWith(':leak-check'))),
  }),
}
const leaks: Plugin = {
  name: 'leaks',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'late.txt', source: VALUE })
  },
}

const ofWebpack = {
  apply(compiler: Compiler) {
    const { Compilation, sources } = compiler.webpack
    compiler.hooks.compilation.tap('late', (compilation) =>
      compilation.hooks.processAssets.tap(
        { name: 'late', stage: Compilation.PROCESS_ASSETS_STAGE_REPORT + 1 },
        () => compilation.emitAsset('late.txt', new sources.RawSource(VALUE)),
      ),
    )
  },
}
const emitting = {
  apply(compiler: Compiler) {
    const { sources } = compiler.webpack
    compiler.hooks.emit.tap({ name: 'late', stage: 1000 }, (compilation) =>
      compilation.emitAsset('late.txt', new sources.RawSource(VALUE)),
    )
  },
}

const emittingLast = {
  apply(compiler: Compiler) {
    const { sources } = compiler.webpack
    compiler.hooks.emit.tap({ name: 'late', stage: Infinity }, (compilation) =>
      compilation.emitAsset('late.txt', new sources.RawSource(VALUE)),
    )
  },
}

const WAYS: [host: HostName, what: string, cell: Partial<Cell>][] = [
  ...(['rollup', 'rolldown', 'vite'] as const).flatMap((host): typeof WAYS => [
    [host, 'code', { after: [changesCode] }],
    [host, 'a file', { after: [addsFile] }],
    [host, 'a file, having taken out our last plugin', { after: [removesOurLastPlugin, leaks] }],
  ]),
  ...(['webpack', 'rspack'] as const).flatMap((host): typeof WAYS => [
    [host, 'a file, when assets are reported', { after: [ofWebpack] }],
    [host, 'a file, when all is about to be written', { after: [emitting] }],
    [host, 'a file, in the last stage', { after: [emittingLast] }],
  ]),
]

describe('a plaintext that a plugin adds as late as possible', () => {
  it.each(WAYS)('fails the build, and no file is written: %s, %s', async (host, _, cell) => {
    const built = await build(host, cell)
    expect(built.failed, 'the build failed').toBe(true)
    expect(built.terminal).toContain('[LEAK]')
    expect(built.files).toEqual([])
    expectClean(built, { plaintexts: [VALUE] })
  })
})

it.each([
  ['a plaintext', VALUE, 'LEAK', 'src/public/data'],
  [
    'a module with marks',
    SOURCE.replace(VALUE, 'another text'),
    'MARK_UNTRANSFORMED',
    'src/public/data',
  ],
  ['a link to a folder with a plaintext', VALUE, 'LEAK', 'linked'],
])('fails the build in Vite’s public folder, before it is copied: %s', async (...row) => {
  const [, text, code, folder] = row
  const root = await project({
    'src/main.ts': SOURCE,
    'src/public/robots.txt': '',
    [`${folder}/note.ts`]: text,
  })
  if (folder === 'linked') await symlink(join(root, folder), join(root, 'src/public/data'))
  const built = await buildProject(shared, 'vite', root, { options })
  expect(built.terminal).toContain(`[${code}]`)
  expect(built.terminal).toContain('public/data/note.ts')
  expect(built.files).toEqual([])
})
