import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { invokeLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { detect, residueIn } from '../detector/detect.js'
import { filesIn } from '../support/project.js'
import { workspace, type Workspace } from './cli.js'

const VALUE = 'correct horse battery staple'
const HANDLER = `import { release } from './system.cjs'
import { secret } from 'unplugin-kms/secret'
const password: Promise<string> = secret.env('DB_PASSWORD')
export const handler = async () => ({ characters: (await password).length, release })
`
// A package that requires one of Node's own modules, as most CommonJS packages do.
const SYSTEM = `exports.release = typeof require('os').release()\n`
const PROJECT = { 'src/handler.ts': HANDLER, 'src/system.cjs': SYSTEM }
const KEY = ['--key', 'alias/orders', '--context', 'app=orders']

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
  await kms.createKey({ alias: 'alias/orders' })
})
afterAll(() => kms.close())

const build = (space: Workspace, args: string[], env: Record<string, string> = {}) =>
  space.cli(['build', ...args], { env: { ...kms.env, DB_PASSWORD: VALUE, ...env } })

const outputs = async (space: Workspace, folder = 'dist') =>
  Object.entries(await filesIn(space.path(folder))).map(
    ([name, text]) => [name, Buffer.from(text)] as [string, Buffer],
  )

describe('build', () => {
  it('bundles a function that Lambda runs, with no plaintext in the bundle or its map', async () => {
    const space = await workspace(PROJECT)
    const built = await build(space, ['src/handler.ts', '--outdir', 'dist', ...KEY])
    expect(built).toMatchObject({ code: 0, stderr: '' })
    expect(built.stdout).toMatch(/^dist\/handler\.mjs {2}[\d.]+ KB\ndist\/handler\.mjs\.map /)
    const files = await outputs(space)
    expect(detect(files, { DB_PASSWORD: VALUE })).toEqual([])
    expect(residueIn(files)).toEqual([])
    const { outcomes } = await invokeLambda({
      bundle: space.path('dist/handler.mjs'),
      events: [{}],
      env: kms.env,
    })
    expect(outcomes).toEqual([{ answer: { characters: VALUE.length, release: 'string' } }])
  })

  it('shows a redacted source in the map', async () => {
    const space = await workspace({
      'src/a.ts': `import { secret } from 'unplugin-kms/secret'\nexport const a = secret('${VALUE}')\n`,
    })
    const { code, stderr } = await build(space, ['src/a.ts', '--outdir', 'dist', ...KEY])
    expect(code).toBe(0)
    expect(stderr).toContain('[PLAINTEXT_LITERAL]')
    const map = JSON.parse(await readFile(space.path('dist/a.mjs.map'), 'utf8'))
    expect(map.sourcesContent.join()).toMatch(/secret\('•+'\)/)
  })

  it.each(['nodejs22.x', 'nodejs24.x'])('writes no syntax that %s lacks', async (runtime) => {
    const space = await workspace({
      'src/a.ts': `export const a = (lock: Disposable) => { using held = lock; return held }\n`,
    })
    const flags = ['--outdir', 'dist', '--runtime', runtime, '--json']
    const { stdout } = await build(space, ['src/a.ts', ...flags])
    expect(JSON.parse(stdout)).toMatchObject({
      files: [{ path: 'dist/a.mjs' }, { path: 'dist/a.mjs.map' }],
      others: [],
      runtime,
    })
    expect(await readFile(space.path('dist/a.mjs'), 'utf8')).not.toMatch(/\busing held\b/)
  })

  it('passes the options after -- to esbuild', async () => {
    const space = await workspace({
      'src/handler.ts': `import pg from 'pg'\nimport pem from './a.pem'\nexport const handler = () => [pg, pem, STAGE]\n`,
      'src/a.pem': 'certificate',
    })
    const flags = '--format=cjs --minify --external:pg --loader:.pem=text --define:STAGE="prod"'
    const args = ['src/handler.ts', '--outdir', 'dist', '--', ...flags.split(' ')]
    expect(await build(space, [...args, '--sourcemap=false'])).toMatchObject({ code: 0 })
    const { 'handler.cjs': code, ...rest } = await filesIn(space.path('dist'))
    expect(rest).toEqual({})
    expect(code).toMatch(/require\("pg"\)/)
    expect(code).toContain('"certificate"')
    expect(code).toContain('"prod"')
  })

  it.each([
    ['--watch', /--watch is not accepted.*it builds once/],
    ['--outfile=hunter22', /--outfile is not accepted.*--outdir/],
    ['--minfy=hunter22', /--minfy is not accepted.*no such option/],
    ['--define=hunter22', /--define is not accepted.*--define:KEY=VALUE/],
    ['--target', /--target is not accepted.*--target=ONE,TWO/],
    ['-hunter22', /an argument is not accepted/],
  ])('exits with 2 for %s after --, and never prints a value', async (flag, reason) => {
    const space = await workspace(PROJECT)
    const { code, stderr } = await build(space, ['src/handler.ts', '-o', 'dist', '--', flag])
    expect(code).toBe(2)
    expect(stderr).toMatch(reason)
    expect(stderr).not.toContain('hunter22')
  })

  it('explains where the options of esbuild go', async () => {
    const { code, stderr } = await build(await workspace(), ['a.ts', '-o', 'dist', '--minify=x1y2'])
    expect(code).toBe(2)
    expect(stderr).toContain("esbuild's own options follow after --")
    expect(stderr).not.toContain('x1y2')
  })

  it('exits with 1 for a leak, and writes nothing', async () => {
    const twin = `${HANDLER}export const twin = '${VALUE}'\n`
    const space = await workspace({ ...PROJECT, 'src/handler.ts': twin })
    const { code, stderr } = await build(space, ['src/handler.ts', '-o', 'dist', ...KEY])
    expect(code).toBe(1)
    expect(stderr).toContain('[LEAK]')
    expect(stderr).not.toContain(VALUE)
    expect(await filesIn(space.path('dist'))).toEqual({})
  })

  it.each([
    ['an empty variable', 2, PROJECT, { DB_PASSWORD: '' }, 'PLAINTEXT_EMPTY'],
    ['a module that is not there', 4, {}, {}, 'BUNDLE_FAILED'],
    ['an import that cannot be resolved', 4, { 'src/handler.ts': HANDLER }, {}, 'BUNDLE_FAILED'],
    ['a key that is not there', 3, PROJECT, {}, 'NotFoundException', ['--key', 'alias/nothing']],
    ['no key and no secrets file', 2, PROJECT, {}, 'KEY_MISSING', []],
    ['a secrets file that is not there', 2, PROJECT, {}, 'SECRETS_FILE_MISSING', ['--file', 'x']],
  ])(
    'for %s it exits with %i and writes nothing',
    async (_, exit, files, env, reason, key = KEY) => {
      const space = await workspace(files)
      const { code, stderr } = await build(space, ['src/handler.ts', '-o', 'dist', ...key], env)
      expect(stderr).toContain(reason)
      expect(code).toBe(exit)
      expect(stderr).not.toContain(VALUE)
      expect(await filesIn(space.path('dist'))).toEqual({})
    },
  )

  it('names the files in the folder that it neither wrote nor searched', async () => {
    const space = await workspace(PROJECT)
    await mkdir(space.path('dist'))
    await writeFile(space.path('dist/handler.js'), `const password = '${VALUE}'`)
    const { code, stderr } = await build(space, ['src/handler.ts', '-o', 'dist', ...KEY])
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /1 other file in dist, .* not searched for plaintexts: dist\/handler\.js/,
    )
  })

  it('exits with 2 if esbuild is not installed, and prints how to install it', async () => {
    const without = `data:text/javascript,${encodeURIComponent(`import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`export const resolve = (name, context, next) =>
  next(name === 'esbuild' ? 'esbuild-that-is-not-there' : name, context)\`))`)}`
    const space = await workspace(PROJECT)
    const { code, stderr } = await space.cli(['build', 'src/handler.ts', '-o', 'dist', ...KEY], {
      env: kms.env,
      nodeOptions: ['--import', without],
    })
    expect(code).toBe(2)
    expect(stderr).toContain('npm install --save-dev esbuild [ESBUILD_MISSING]')
  })
})
