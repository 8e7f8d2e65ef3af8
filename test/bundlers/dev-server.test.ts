import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createLogger,
  createServer,
  optimizeDeps,
  resolveConfig,
  type DepOptimizationOptions,
  type Plugin,
} from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import kms from '../../src/bundlers/vite.js'
import type { Options } from '../../src/options/types.js'
import { detect } from '../detector/detect.js'
import { project } from '../support/project.js'
import { WAIT } from '../support/wait.js'
import { bench, filesIn, writeNamed, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'planted-literal-value-7Q'
const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`
const MARKED = `${IMPORT}export const key = secret('${VALUE}')\n`

/** Renders a module on the server, as a framework's own middleware would. */
const rendering: Plugin = {
  name: 'rendering',
  configureServer: (server) => () => {
    server.middlewares.use((request, response, next) => {
      if (!request.originalUrl?.startsWith('/render/')) return next()
      server.ssrLoadModule(request.originalUrl.slice('/render'.length)).then(
        () => response.end('rendered'),
        (error: unknown) => next(error),
      )
    })
  },
}

/** A dev server on loopback, with its terminal, and what it sends over its websocket. */
async function serve(
  files: Record<string, string>,
  options: (root: string) => Options = () => ({}),
  after: Plugin[] = [],
  dependencies: DepOptimizationOptions = { noDiscovery: true },
) {
  // Vitest runs what Vite calls `client` in Node, and the plugin knows it by this variable.
  const { VITEST } = process.env
  delete process.env.VITEST
  onTestFinished(() => void (process.env.VITEST = VITEST))
  const root = await project(files)
  const secretsFile = join(root, 'kms-secrets.json')
  await writeNamed(secretsFile, shared.pair, { DB_PASSWORD: 'the first entry' })
  const shown: string[] = []
  const logger = createLogger('info', { allowClearScreen: false })
  for (const level of ['info', 'warn', 'warnOnce', 'error'] as const)
    logger[level] = (text: string) => void shown.push(text)
  const server = await createServer({
    root,
    configFile: false,
    customLogger: logger,
    server: { host: '127.0.0.1', port: 0 },
    optimizeDeps: dependencies,
    plugins: [kms({ secretsFile, aws: shared.aws, ...options(root) }), ...after, rendering],
  })
  onTestFinished(() => server.close())
  const { hot } = server.environments.client
  const send = hot.send.bind(hot) as (...args: unknown[]) => void
  hot.send = (...args: unknown[]) => {
    shown.push(JSON.stringify(args))
    send(...args)
  }
  await server.listen()
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(new URL(path, server.resolvedUrls!.local[0]), { headers })
    const body = await response.text()
    shown.push(body)
    return { status: response.status, body }
  }
  const expectNothingShown = () =>
    expect(detect([['shown', Buffer.from(shown.join('\n'))]], { planted: VALUE })).toEqual([])
  return { root, server, get, expectNothingShown }
}

describe("Vite's dev server", () => {
  it.each([
    '?raw',
    '?import&raw',
    '?url',
    '?url&inline',
    '?inline',
    '',
    '?worker_file&type=module',
  ])('rejects requests for the source of a module with marks: key.ts%s', async (query) => {
    const { get, expectNothingShown } = await serve({ 'src/key.ts': MARKED })
    const { status, body } = await get(`/src/key.ts${query}`)
    expect(status).toBe(500)
    expect(body).toMatch(/\[(MARK_UNTRANSFORMED|CLIENT_BUNDLE)\]/)
    expectNothingShown()
  })

  it.each([
    ['navigated to', 'key.ts', 'document'],
    ['navigated to as a text', 'key.ts?raw', 'document'],
    ['in a frame', 'key.mts', 'iframe'],
    ['with an ending that Vite does not take for a module’s', 'key.cts', 'empty'],
    ['in a component', 'key.vue', 'document'],
  ])('rejects requests for the file of a module with marks: %s', async (_, name, destination) => {
    const { root, get, expectNothingShown } = await serve({
      [`src/${name.replace('?raw', '')}`]: MARKED,
    })
    for (const folder of ['/src/', '/src//', `/@fs${root}/src/`])
      expect((await get(folder + name, { 'sec-fetch-dest': destination })).status).toBe(500)
    expectNothingShown()
  })

  it('rejects requests for a module with marks that the options exclude', async () => {
    const { get, expectNothingShown } = await serve({ 'src/key.ts': MARKED }, () => ({
      exclude: /key/,
    }))
    const { status, body } = await get('/src/key.ts')
    expect(status).toBe(500)
    expect(body).toContain('[MARK_UNTRANSFORMED]')
    expectNothingShown()
  })

  it('rejects a mark in a script of a page', async () => {
    const { get, expectNothingShown } = await serve({
      'index.html': `<script type="module">${MARKED}</script>`,
    })
    expect((await get('/index.html')).status).toBe(200)
    expect((await get('/index.html?html-proxy&index=0.js')).status).toBe(500)
    expectNothingShown()
  })

  it('rejects a mark in a browser module, and names its importers', async () => {
    const { get } = await serve({
      'src/key.ts': MARKED,
      'src/page.ts': `export { key } from './key.js'`,
      'src/main.ts': `import { key } from './page.js'\nconsole.log(key)`,
    })
    await get('/src/main.ts')
    await get('/src/page.ts')
    const { body } = await get('/src/key.ts')
    expect(body).toContain('src/main.ts -> src/page.ts -> src/key.ts')
  })
})

describe("Vite's dependency optimizer", () => {
  const DEPENDENCY = {
    'node_modules/dep/package.json': `{ "name": "dep", "version": "1.0.0", "main": "./index.js", "type": "module" }`,
    'node_modules/unplugin-kms/package.json': JSON.stringify({
      name: 'unplugin-kms',
      version: '0.0.0',
      type: 'module',
      exports: { './secret': './secret.js' },
    }),
    'node_modules/unplugin-kms/secret.js': 'export const secret = () => {}',
    'index.html': '<script type="module" src="/main.js"></script>',
  }

  it('does not bundle a dependency with a mark, and says what to do', async () => {
    const root = await project({ ...DEPENDENCY, 'node_modules/dep/index.js': MARKED })
    const config = await resolveConfig(
      {
        root,
        configFile: false,
        logLevel: 'silent',
        optimizeDeps: { include: ['dep'], noDiscovery: true },
        plugins: [kms({ keyId: shared.arn, aws: shared.aws })],
      },
      'serve',
    )
    const failure = await optimizeDeps(config, true).then(
      () => null,
      (error: Error) => error,
    )
    expect(failure?.message).toMatch(/optimizeDeps\.exclude.*\[MARK_UNTRANSFORMED\]/)
    expect(failure?.message).not.toContain(VALUE)
    const written = await filesIn(join(root, 'node_modules/.vite'))
    expect(detect(written, { planted: VALUE })).toEqual([])
  })

  it('bundles the other dependencies if the sources contain marks', async () => {
    const { get, server } = await serve(
      {
        ...DEPENDENCY,
        'node_modules/dep/index.js': 'export const two = 2',
        'main.js': `import { two } from 'dep'\nimport('./key.js')\nconsole.log(two)`,
        'key.js': MARKED,
      },
      undefined,
      [],
      {},
    )
    const { body } = await get('/main.js')
    const [address] = /\/node_modules\/\.vite\/deps\/dep\.js[^"]*/.exec(body)!
    expect((await get(address)).body).toContain('two')
    expect((await get('/key.js')).status).toBe(500)
    await expect(optimizeDeps(server.config, true)).resolves.toBeDefined()
  })
})

describe('an error on a line with a secret shows no value in overlay and terminal', () => {
  const failing = (
    fail: (context: { error(...args: unknown[]): never }, id: string, code: string) => void,
  ): Plugin => ({
    name: 'failing',
    transform(code, id) {
      if (id.endsWith('main.ts')) fail(this as never, id, code)
    },
  })

  it.each<[string, string, Plugin[]]>([
    ['a syntax error', `${IMPORT}export const key = secret('${VALUE}' const`, []],
    [
      'an import that cannot be resolved',
      `${IMPORT}export const key = secret('${VALUE}'); import './gone.js'`,
      [],
    ],
    ['a name declared twice', `${IMPORT}const key = secret('${VALUE}'); const key = 1`, []],
    [
      'a later plugin’s error at an offset',
      MARKED,
      [failing((context, _, code) => context.error('no good', code.indexOf('key')))],
    ],
    [
      'a later plugin’s error at a line',
      MARKED,
      [failing((context) => context.error({ message: 'no good', loc: { line: 2, column: 14 } }))],
    ],
    [
      'a later plugin’s error at a line of the file',
      MARKED,
      [
        failing((context, file) =>
          context.error({ message: 'no good', loc: { file, line: 2, column: 14 } }),
        ),
      ],
    ],
    [
      'a later plugin’s thrown error',
      MARKED,
      [
        failing((_, file) => {
          throw Object.assign(new Error('no good'), { loc: { file, line: 2, column: 14 } })
        }),
      ],
    ],
  ])('%s', async (_, source, after) => {
    const { get, expectNothingShown } = await serve({ 'src/main.ts': source }, undefined, after)
    expect((await get('/src/main.ts')).status).toBe(500)
    expect((await get('/render/src/main.ts')).status).toBe(500)
    expectNothingShown()
  })
})

it('is not covered: a warning of a later plugin with the file shows the line', async () => {
  const warning: Plugin = {
    name: 'warning',
    transform(_, file) {
      if (file.endsWith('main.ts'))
        this.warn({ message: 'not so good', loc: { file, line: 2, column: 14 } })
    },
  }
  const { get, expectNothingShown } = await serve({ 'src/main.ts': MARKED }, undefined, [warning])
  await get('/render/src/main.ts')
  expect(expectNothingShown).toThrow('planted')
})

describe('while a dev server runs', () => {
  const ENV_AND_FILE = `${IMPORT}export const env = secret.env('KEY')
export const file = secret.file('./key.pem')`
  const NAMED = `${IMPORT}export const named = secret.named('DB_PASSWORD')`
  const ownPair = () => ({ secretsFile: undefined as never, keyId: shared.arn })

  it.each<[string, string, string, (() => Options) | undefined, (root: string) => Promise<void>]>([
    [
      'a variable of .env',
      'KEY',
      ENV_AND_FILE,
      ownPair,
      (root) => writeFile(join(root, '.env'), 'KEY=the second value'),
    ],
    [
      'a secret file',
      './key.pem',
      ENV_AND_FILE,
      ownPair,
      (root) => writeFile(join(root, 'src/key.pem'), 'the second file'),
    ],
    [
      'an entry of the secrets file',
      'DB_PASSWORD',
      NAMED,
      undefined,
      (root) =>
        writeNamed(join(root, 'kms-secrets.json'), shared.pair, {
          DB_PASSWORD: 'the second entry',
        }),
    ],
  ])(
    '%s that changes is read again, without a KMS call',
    async (_, name, source, options, change) => {
      const { root, server } = await serve(
        {
          'src/main.ts': source,
          'src/key.pem': 'the first file',
          '.env': 'KEY=the first value',
        },
        options,
      )
      const tokens = async () => {
        const transformed = await server.environments.ssr.transformRequest('/src/main.ts')
        const found = transformed!.code.matchAll(/"(kms:v1:[\w-]+)", "([^"]+)"/g)
        return Object.fromEntries([...found].map(([, token, of]) => [of, token]))
      }
      const first = await tokens()
      expect(await tokens()).toEqual(first)
      const calls = shared.kms.journal.length
      const second = await vi.waitFor(async () => {
        await change(root)
        const now = await tokens()
        expect(now[name]).not.toBe(first[name])
        return now
      }, WAIT)
      expect(second).toEqual({ ...first, [name]: second[name] })
      expect(shared.kms.journal.length).toBe(calls)
    },
  )
})
