import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { rspack } from '@rspack/core'
import { context } from 'esbuild'
import { watch as watchRolldown, type RolldownWatcher } from 'rolldown'
import { watch as watchRollup } from 'rollup'
import { build as vite } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import webpack from 'webpack'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRolldown from '../../src/bundlers/rolldown.js'
import kmsRollup from '../../src/bundlers/rollup.js'
import kmsRspack from '../../src/bundlers/rspack.js'
import kmsVite from '../../src/bundlers/vite.js'
import kmsWebpack from '../../src/bundlers/webpack.js'
import type { Options } from '../../src/options/types.js'
import { project } from '../support/project.js'
import { WAIT } from '../support/wait.js'
import { bench, filesIn, writeNamed, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

type Tell = (failure: unknown) => void

/** Each starts to watch, writes `out/main.mjs`, reports failures, and returns a function that ends it. */
const WATCHES: Record<
  string,
  (root: string, options: Options, tell: Tell) => Promise<() => unknown> | (() => unknown)
> = {
  async esbuild(root, options, tell) {
    const session = await context({
      entryPoints: [join(root, 'main.js')],
      absWorkingDir: root,
      outfile: join(root, 'out/main.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      plugins: [
        kmsEsbuild(options),
        { name: 'teller', setup: (build) => build.onEnd(({ errors }) => errors.forEach(tell)) },
      ],
    })
    await session.watch()
    return () => session.dispose()
  },
  rollup(root, options, tell) {
    const watcher = watchRollup({
      input: join(root, 'main.js'),
      external: [/^node:/],
      onLog() {},
      output: { file: join(root, 'out/main.mjs') },
      plugins: [kmsRollup(options)],
    })
    watcher.on('event', (event) => {
      if (event.code === 'ERROR') tell(event.error)
      if ('result' in event) void event.result?.close()
    })
    return () => watcher.close()
  },
  rolldown(root, options, tell) {
    const watcher = watchRolldown({
      input: join(root, 'main.js'),
      cwd: root,
      platform: 'node',
      onLog() {},
      output: { file: join(root, 'out/main.mjs') },
      plugins: [kmsRolldown(options)],
    })
    watcher.on('event', (event) => {
      if (event.code === 'ERROR') tell(event.error)
      if ('result' in event) void event.result.close()
    })
    return () => watcher.close()
  },
  async vite(root, options, tell) {
    const watcher = (await vite({
      root,
      configFile: false,
      logLevel: 'silent',
      build: {
        ssr: 'main.js',
        outDir: 'out',
        minify: false,
        watch: {},
        rolldownOptions: { output: { entryFileNames: 'main.mjs' } },
      },
      plugins: [kmsVite(options)],
    })) as RolldownWatcher
    watcher.on('event', (event) => void (event.code === 'ERROR' && tell(event.error)))
    return () => watcher.close()
  },
  webpack: (root, options, tell) =>
    compilerOf(webpack({ ...config(root), plugins: [kmsWebpack(options)] }), tell),
  rspack: (root, options, tell) =>
    compilerOf(rspack({ ...config(root), plugins: [kmsRspack(options)] } as never), tell),
}

const config = (root: string) => ({
  context: root,
  entry: './main.js',
  mode: 'development' as const,
  devtool: false as const,
  target: 'node',
  output: { path: join(root, 'out'), filename: 'main.mjs' },
})

interface Compiler {
  watch(options: object, done: (error: unknown, stats?: { toString(): string }) => void): unknown
  close(done: () => void): void
}

function compilerOf(compiler: unknown, tell: Tell) {
  ;(compiler as Compiler).watch({ aggregateTimeout: 20 }, (error, stats) =>
    tell(error ?? stats?.toString()),
  )
  return () => new Promise<void>((done) => (compiler as Compiler).close(done))
}

const MAIN = `import { secret } from 'unplugin-kms/secret'
import { text } from './text.js'
export const env = secret.env('KEY')
export const file = secret.file('./key.pem')
console.log(text, env, file)
`

/** Returns the content of the newest output. */
interface Seen {
  env?: string | undefined
  file?: string | undefined
  named?: string | undefined
  pem?: string | undefined
  text?: string | undefined
  touched: boolean
}

const seenIn = (code: string): Seen => {
  const token = (name: string) =>
    new RegExp(`"(kms:v1:[\\w-]+)\\\\?", *\\\\?"${name}\\\\?"`).exec(
      code.replaceAll('\\"', '"'),
    )?.[1]
  const variable = (name: string) =>
    new RegExp(`\\["${name}"\\]:\\w+\\("(kms:v1:[\\w-]+)"`).exec(code)?.[1]
  return {
    env: token('KEY'),
    file: token('\\./key\\.pem'),
    named: token('DB_PASSWORD') ?? variable('DB_PASSWORD'),
    pem: variable('PEM'),
    text: /text-(\w+)/.exec(code)?.[1],
    touched: code.includes('touched'),
  }
}

async function session(
  host: string,
  files: Record<string, string>,
  more: (root: string) => Options,
) {
  const root = await project(files)
  await writeNamed(join(root, 'kms-secrets.json'), shared.pair, { DB_PASSWORD: 'the first entry' })
  const env = { KEY: 'the first value' } as Record<string, string>
  const printed: string[] = []
  const tell = (failure: unknown) => void printed.push(inspect(failure, { depth: 9 }))
  const end = await WATCHES[host]!(root, { env, aws: shared.aws, ...more(root) }, tell)
  onTestFinished(async () => void (await end()))
  /** Changes a file, again after a while if the watcher did not look yet, and waits for the output. */
  const after = (change: () => Promise<unknown>, expected: (seen: Seen) => unknown) => {
    let [next, pause] = [0, 200]
    return vi.waitFor(async () => {
      if (Date.now() >= next) {
        await change()
        next = Date.now() + (pause *= 2)
      }
      const seen = seenIn(await readFile(join(root, 'out/main.mjs'), 'utf8'))
      expect(expected(seen)).toBeTruthy()
      return seen
    }, WAIT)
  }
  return {
    root,
    env,
    printed,
    after,
    write: (name: string, text: string) => () => writeFile(join(root, name), text),
  }
}

const calls = () => shared.kms.journal.length

describe.each(Object.keys(WATCHES))('a watch session of %s', (host) => {
  it('keeps the tokens of unchanged values without KMS, and seals changed ones', async () => {
    const before = calls()
    const { env, after, write } = await session(
      host,
      {
        'main.js': MAIN,
        'text.js': `export const text = 'text-one'`,
        'key.pem': 'the first file',
      },
      () => ({ keyId: shared.arn }),
    )
    const first = await after(
      async () => {},
      (seen) => seen.env && seen.file && seen.text === 'one',
    )

    const unmarked = await after(
      write('text.js', `export const text = 'text-two'`),
      ({ text }) => text === 'two',
    )
    expect(unmarked).toEqual({ ...first, text: 'two' })

    const marked = await after(
      write('main.js', `${MAIN}console.log('touched')`),
      ({ touched }) => touched,
    )
    expect(marked).toEqual({ ...unmarked, touched: true })

    const file = await after(
      write('key.pem', 'the second file'),
      ({ file }) => file && file !== first.file,
    )
    expect(file).toEqual({ ...marked, file: file.file })

    env.KEY = 'the second value'
    const variable = await after(
      write('text.js', `export const text = 'text-three'`),
      ({ text }) => text === 'three',
    )
    expect(variable.env).toMatch(/^kms:v1:/)
    expect(variable.env).not.toBe(first.env)
    expect(variable.file).toBe(file.file)
    expect(calls() - before, 'one data key pair').toBe(1)
  })

  it('handles a module that gains its first mark, and one that loses its last', async () => {
    const unmarked = `export const text = 'text-one'`
    const { after, write } = await session(
      host,
      { 'main.js': `export { text } from './text.js'`, 'text.js': unmarked },
      () => ({ keyId: shared.arn }),
    )
    await after(
      async () => {},
      ({ text }) => text === 'one',
    )
    await after(
      write(
        'text.js',
        `import { secret } from 'unplugin-kms/secret'\nexport const text = secret.env('KEY')`,
      ),
      ({ env }) => env,
    )
    await after(write('text.js', unmarked), ({ env, text }) => !env && text === 'one')
  })

  it('reads a changed secrets file', async () => {
    const { pair } = shared
    const { root, after } = await session(
      host,
      {
        'main.js': `import { secret } from 'unplugin-kms/secret'\nexport const named = secret.named('DB_PASSWORD')\nconsole.log(named)`,
      },
      (root) => ({ secretsFile: join(root, 'kms-secrets.json') }),
    )
    const path = join(root, 'kms-secrets.json')
    const first = await after(
      async () => {},
      ({ named }) => named,
    )
    await after(
      () => writeNamed(path, pair, { DB_PASSWORD: 'another value' }),
      ({ named }) => named && named !== first.named,
    )
  })

  it('reads the changed files of the option processEnv, in a project without marks', async () => {
    const { pair } = shared
    const { root, printed, after, write } = await session(
      host,
      { 'main.js': `console.log(process.env.DB_PASSWORD)\n`, 'key.pem': 'the first file' },
      (root) => ({
        secretsFile: join(root, 'kms-secrets.json'),
        processEnv: { DB_PASSWORD: { named: 'DB_PASSWORD' }, PEM: { file: join(root, 'key.pem') } },
      }),
    )
    const path = join(root, 'kms-secrets.json')
    const first = await after(
      async () => {},
      ({ named, pem }) => named && pem,
    )
    await after(
      () => writeNamed(path, pair, { DB_PASSWORD: 'another value' }),
      ({ named }) => named && named !== first.named,
    )
    await after(write('key.pem', 'the second file'), ({ pem }) => pem && pem !== first.pem)
    const known = printed.length
    await vi.waitFor(async () => {
      await write('kms-secrets.json', 'no JSON')()
      expect(printed.slice(known).join('\n')).toContain('kms-secrets.json')
    }, WAIT)
    await after(
      () => writeNamed(path, pair, { DB_PASSWORD: 'a third value' }),
      ({ named }) => named && named !== first.named,
    )
  })

  it('reports a leak without the value, writes nothing, and builds after the fix', async () => {
    const marked = `import { secret } from 'unplugin-kms/secret'\nconsole.log(secret.env('KEY'))\n`
    const { root, printed, after, write } = await session(host, { 'main.js': marked }, () => ({
      keyId: shared.arn,
    }))
    const first = await after(
      async () => {},
      ({ env }) => env,
    )
    const twin = `${marked}console.log('the first value')`
    await vi.waitFor(async () => {
      await write('main.js', twin)()
      expect(printed.join('\n')).toContain('[LEAK]')
    }, WAIT)
    expect(printed.join('\n')).not.toContain('the first value')
    // Vite has emptied the folder before it builds.
    for (const [name, bytes] of await filesIn(join(root, 'out')))
      expect(bytes.includes('the first value'), name).toBe(false)
    const fixed = await after(
      write('main.js', `${marked}console.log('touched')`),
      ({ touched }) => touched,
    )
    expect(fixed.env).toBe(first.env)
  })

  it('builds again after an unset variable of a mark was set', async () => {
    const marked = (name: string) =>
      `import { secret } from 'unplugin-kms/secret'\nconsole.log(secret.env('${name}'))\n`
    const { printed, after, write } = await session(host, { 'main.js': marked('UNSET') }, () => ({
      keyId: shared.arn,
    }))
    await expect.poll(() => printed.join('\n')).toContain('[ENV_UNSET]')
    expect(printed.join('\n')).not.toContain('the first value')
    await after(write('main.js', marked('KEY')), ({ env }) => env)
  })

  it('builds again after the literal of an excluded module was removed', async () => {
    const { printed, after, write } = await session(
      host,
      {
        'main.js': `export { key } from './left.js'\n`,
        'left.js': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret('planted-in-an-excluded-module')\n`,
      },
      () => ({ keyId: shared.arn, exclude: /left/ }),
    )
    await expect.poll(() => printed.join('\n')).toContain('[MARK_UNTRANSFORMED]')
    await after(write('left.js', `export const key = 'text-one'\n`), ({ text }) => text === 'one')
  })
})
