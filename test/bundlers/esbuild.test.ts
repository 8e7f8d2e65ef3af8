import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, context, type BuildOptions, type Plugin } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import kms from '../../src/bundlers/esbuild.js'
import { bench, esbuildOptions, writeNamed, type Bench } from './fixture.js'

let shared: Bench
let root: string
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())
beforeEach(async () => {
  root = await mkdtemp(join(shared.folder, 'esbuild-'))
  await writeNamed(join(root, 'kms-secrets.json'), shared.pair, {
    DB_PASSWORD: 'value of the file',
  })
  await source(
    'main.ts',
    `#!/usr/bin/env node\nimport { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`,
  )
})

const source = (name: string, text: string) => writeFile(join(root, name), text)
const options = (
  more: BuildOptions = {},
  env: Record<string, string> = { KEY: 'value of a variable' },
) =>
  esbuildOptions(root, {
    plugins: [kms({ secretsFile: join(root, 'kms-secrets.json'), env, aws: shared.aws })],
    ...more,
  })
const output = (name = 'out.mjs') => readFile(join(root, name), 'utf8')

describe('output of esbuild', () => {
  it('does not overwrite an input', async () => {
    const before = await output('main.ts')
    await expect(build(options({ outfile: 'main.ts' }))).rejects.toThrow(
      'refusing to overwrite the input file main.ts',
    )
    expect(await output('main.ts')).toBe(before)
  })

  it('overwrites an input if the user allows it', async () => {
    await build(options({ outfile: 'main.ts', allowOverwrite: true }))
    expect(await output('main.ts')).toContain('kms:v1:')
  })

  it('is executable if it starts with a hashbang', async () => {
    await build(options())
    expect((await stat(join(root, 'out.mjs'))).mode & 0o777).toBe(0o755)
  })

  it('goes to standard output without a file', async () => {
    const child = join(import.meta.dirname, '../../node_modules/.cache/unplugin-kms-test')
    await mkdir(child, { recursive: true })
    const script = join(await mkdtemp(join(child, 'stdout-')), 'build.mjs')
    await build({
      entryPoints: [join(import.meta.dirname, '../../src/bundlers/esbuild.ts')],
      outfile: join(script, '../kms.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    })
    await writeFile(
      script,
      `import { build } from 'esbuild'\nimport kms from './kms.mjs'\nawait build({ entryPoints: ['main.ts'], bundle: true, platform: 'node', format: 'esm', logLevel: 'silent', plugins: [kms({ env: { KEY: 'value of a variable' } })] })\n`,
    )
    const { stdout } = spawnSync(process.execPath, [script], { cwd: root, encoding: 'utf8' })
    await rm(join(script, '..'), { recursive: true })
    expect(stdout).toContain('kms:v1:')
  })

  it('stays in memory, without a file, if the user sets write: false', async () => {
    const { outputFiles, metafile } = await build(options({ write: false }))
    expect(outputFiles![0]!.text).toContain('kms:v1:')
    expect(metafile).toBeUndefined()
    expect(existsSync(join(root, 'out.mjs'))).toBe(false)
  })

  it('has a metafile if the user sets metafile, and no outputs in memory', async () => {
    const result = await build(options({ metafile: true }))
    expect(Object.keys(result.metafile!.outputs)).toEqual(['out.mjs'])
    expect(result.outputFiles).toBeUndefined()
  })
})

describe('the option stdin of esbuild', () => {
  const fromStdin = (mark: string, stdin: object = {}) => {
    const { entryPoints: _, ...rest } = options()
    const contents = `import { secret } from 'unplugin-kms/secret'\nexport const key: Promise<string> = ${mark}\n`
    return build({ ...rest, stdin: { contents, resolveDir: root, loader: 'ts', ...stdin } })
  }

  it.each([{}, { sourcefile: 'in.ts' }, { resolveDir: undefined }])(
    'may contain marks that have no plaintext (%o)',
    async (stdin) => {
      await fromStdin(`secret.env('KEY')`, stdin)
      expect(await output()).toContain('kms:v1:')
    },
  )

  it('is refused if it contains a plaintext literal', async () => {
    await expect(fromStdin(`secret('a plaintext')`)).rejects.toThrow(
      /this literal is a plaintext .*\[MARK_UNTRANSFORMED\]/,
    )
    expect(existsSync(join(root, 'out.mjs'))).toBe(false)
  })
})

describe('a plugin before ours', () => {
  const earlier = (setup: Plugin['setup']) =>
    options({ plugins: [{ name: 'zip', setup }, ...options().plugins!] })

  const loading = (more: BuildOptions = {}) =>
    build({
      ...earlier((host) =>
        host.onLoad({ filter: /main\.ts$/ }, async ({ path }) => ({
          contents: await readFile(path, 'utf8'),
          loader: 'ts',
        })),
      ),
      ...more,
    })

  it.each<BuildOptions>([{}, { packages: 'external' }])(
    'that loads a module with marks keeps it, and the marker decrypts (%o)',
    async (more) => {
      await loading(more)
      expect(await output()).toMatch(/secret\d*\.env\("KEY"\)[^]*|kms:v1:/)
      expect(await output()).toContain('kms:v1:')
    },
  )

  it('that loads a module with a plaintext literal fails the build', async () => {
    await source(
      'main.ts',
      `import { secret } from 'unplugin-kms/secret'\nexport const key = secret('a plaintext')\n`,
    )
    await expect(loading()).rejects.toThrow(
      /main\.ts:2:20: this literal is a plaintext .*\[MARK_UNTRANSFORMED\]/,
    )
    expect(existsSync(join(root, 'out.mjs'))).toBe(false)
  })
})

it('that defines a plaintext value fails the build', async () => {
  await source(
    'main.ts',
    `import { secret } from 'unplugin-kms/secret'\nexport const keys = [secret.env('KEY'), process.env.KEY]\n`,
  )
  await expect(
    build(options({ define: { 'process.env.KEY': '"value of a variable"' } })),
  ).rejects.toThrow('[LEAK]')
})

it('lets ours wait for a file that is empty because it is being written', async () => {
  const text = await output('main.ts')
  const path = join(root, 'main.ts')
  await source('main.ts', '')
  const writer: Plugin = {
    name: 'writer',
    setup: ({ onResolve }) =>
      onResolve({ filter: /main/ }, () => void setTimeout(() => writeFileSync(path, text), 15)),
  }
  const { plugins = [] } = options()
  await build(options({ plugins: [...plugins, writer] }))
  expect(await output()).toContain('kms:v1:')
})

describe('a rebuild', () => {
  it('of unchanged sources is the same, byte for byte, and does not call KMS', async () => {
    const { kms: endpoint, arn, aws } = shared
    const session = await context(
      options({ plugins: [kms({ keyId: arn, aws, env: { KEY: 'value of a variable' } })] }),
    )
    await session.rebuild()
    const [before, calls] = [await output(), endpoint.journal.length]
    await source('main.ts', `${await output('main.ts')}// touched\n`)
    await session.rebuild()
    expect(await output()).toBe(before)
    expect(endpoint.journal.length).toBe(calls)
    await session.dispose()
  })

  it('seals a changed variable again', async () => {
    const env = { KEY: 'value of a variable' }
    const session = await context(options({}, env))
    await session.rebuild()
    const before = await output()
    env.KEY = 'another value of it'
    await session.rebuild()
    expect(await output()).not.toBe(before)
    await session.dispose()
  })

  it('succeeds after a failure was fixed', async () => {
    const env: Record<string, string> = {}
    const session = await context(options({}, env))
    await expect(session.rebuild()).rejects.toThrow('[ENV_UNSET]')
    env.KEY = 'value of a variable'
    await session.rebuild()
    expect(await output()).toContain('kms:v1:')
    await session.dispose()
  })

  it('reads a changed secrets file', async () => {
    await source(
      'main.ts',
      `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.named('DB_PASSWORD')\n`,
    )
    const session = await context(options())
    await session.rebuild()
    const before = await output()
    await writeNamed(join(root, 'kms-secrets.json'), shared.pair, { DB_PASSWORD: 'another value' })
    await session.rebuild()
    expect(await output()).not.toBe(before)
    await session.dispose()
  })
})

it('of named secrets is the same as a new build, byte for byte', async () => {
  await source(
    'main.ts',
    `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.named('DB_PASSWORD')\n`,
  )
  const texts: string[] = []
  for (const folder of ['a', 'b']) {
    await build(options({ outfile: join(folder, 'out.mjs') }))
    texts.push(await output(`${folder}/out.mjs`).catch(() => ''))
  }
  expect(texts[0]).toBe(texts[1])
  expect(texts[0]).toContain('kms:v1:')
})

describe('with a seed', () => {
  beforeEach(() => void vi.stubEnv('UNPLUGIN_KMS_SEED', Buffer.alloc(32, 7).toString('base64')))
  afterEach(() => vi.unstubAllEnvs())

  it('two builds of a plaintext are the same, byte for byte, hashes in names included', async () => {
    const named = (folder: string) =>
      build({
        ...options({ outdir: folder, entryNames: '[name]-[hash]', write: false }),
        outfile: undefined,
      } as unknown as BuildOptions)
    const [a, b] = [await named('a'), await named('b')].map(({ outputFiles }) =>
      outputFiles!.map(({ path, text }) => [path.slice(path.lastIndexOf('/')), text]),
    )
    expect(a).toEqual(b)
    expect(a![0]![1]).toContain('kms:v1:')
  })

  it('a build without a secrets file is rejected', async () => {
    await rm(join(root, 'kms-secrets.json'))
    await expect(
      build(options({ plugins: [kms({ keyId: shared.arn, aws: shared.aws })] })),
    ).rejects.toThrow('UNPLUGIN_KMS_SEED is set')
  })
})
