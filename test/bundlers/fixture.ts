import type { BuildOptions } from 'esbuild'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { expect } from 'vitest'
import { createDataKeyPair } from '../../src/aws/create-data-key-pair.js'
import { kmsCalls } from '../../src/aws/kms.js'
import type { DataKeyPair } from '../../src/crypto/data-key-pair.js'
import { seal } from '../../src/crypto/seal.js'
import type { Suite } from '../../src/crypto/suites.js'
import { inspect } from '../../src/inspect/inspect.js'
import type { Options } from '../../src/options/types.js'
import { newSecretsFile, writeSecretsFile } from '../../src/secrets-file/serialize.js'
import { detect, residueIn } from '../detector/detect.js'
import { endFarm, HOSTS, run, type Cell, type HostName, type Outcome } from './hosts.js'

/** The content of a fixture's `expect.json`. */
export interface Expectation {
  /** What the fixture is, or tries. */
  what?: string
  attempt?: string
  /** Default: `main.ts`. */
  entries?: string[]
  /** Default: both. */
  formats?: Cell['format'][]
  env?: Record<string, string>
  /** Entries of the secrets file, sealed before the build. */
  named?: Record<string, string>
  /** Strings that no output, map, cache or terminal may contain. */
  plaintexts: string[]
  /** The code that the build fails with, or several with a bar between them; empty where the bundler itself fails it. */
  refused?: string
  /** Bundlers whose minifier removes the plaintext before the outputs are checked. */
  droppedByMinifier?: HostName[]
  /** Set where a bundler may build it or refuse it: clean is what counts. */
  builds?: string
  /** A string that the terminal shows, if the bundler knows its modules (Farm does not). */
  says?: string
  /** Why the terminal may show a plaintext. */
  terminal?: string
  /** What `inspect` finds in the outputs, as `name kind format`. */
  embedded?: string[]
  /** What the entry prints, as JSON, when it runs with the argument `print`. */
  prints?: unknown
  browser?: boolean
  external?: string[]
  options?: {
    include?: string
    exclude?: string
    flags?: string
    leakCheck?: NonNullable<Options['leakCheck']>
  }
  /** Why the results of the two ways of serving a module differ. */
  oneWay?: string
  /** Bundlers that cannot, and why. */
  except?: Partial<Record<HostName, string>>
}

export interface Fixture {
  name: string
  folder: string
  expected: Expectation
}

export async function fixtures(folder: string): Promise<Fixture[]> {
  const path = join(import.meta.dirname, '../../fixtures', folder)
  const names = (await readdir(path, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  return Promise.all(
    names.map(async (name) => ({
      name,
      folder: join(path, name),
      expected: JSON.parse(await readFile(join(path, name, 'expect.json'), 'utf8')) as Expectation,
    })),
  )
}

/** A KMS with one key, one data key pair, and a folder for all that is built. */
export async function bench(suite: Suite = 'P-256') {
  const kms = await startLocalKms()
  const { arn } = await kms.createKey()
  const { accessKeyId, secretAccessKey } = kms.admin.credentials
  const aws = {
    endpoint: kms.url,
    region: kms.region,
    credentials: { accessKeyId, secretAccessKey },
  }
  const context = { app: 'matrix' }
  const pair = await createDataKeyPair(kmsCalls(aws), [arn], context, undefined, suite)
  const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-'))
  return {
    kms,
    arn,
    aws,
    pair,
    folder,
    close: async () => {
      endFarm()
      await kms.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type Bench = Awaited<ReturnType<typeof bench>>

/** A copy of the fixture's tree, with its secrets file sealed. */
export async function prepare({ folder, pair }: Bench, fixture: Fixture): Promise<string> {
  const root = await mkdtemp(join(folder, `${fixture.name}-`))
  await cp(fixture.folder, join(root, 'src'), { recursive: true })
  await writeNamed(join(root, 'kms-secrets.json'), pair, fixture.expected.named ?? {})
  return root
}

export async function writeNamed(path: string, pair: DataKeyPair, named: Record<string, string>) {
  const file = newSecretsFile(path, pair)
  for (const [name, value] of Object.entries(named))
    file.secrets.set(name, await seal(pair, 'named', Buffer.from(value), name))
  await writeSecretsFile(file)
}

export type Way = Pick<Cell, 'format' | 'maps' | 'minify'> & Partial<Cell>

export interface Built extends Outcome {
  outdir: string
  files: [string, Buffer][]
}

/** Builds a prepared fixture in one way, and reads every byte that came of it. */
export async function buildIn(
  bench: Bench,
  root: string,
  { expected }: Fixture,
  host: HostName,
  way: Way,
): Promise<Built> {
  const { include, exclude, flags, ...options } = expected.options ?? {}
  const outdir = await mkdtemp(join(root, `out-${host}-`))
  const { env } = { env: { ...process.env, ...expected.env } }
  const outcome = await HOSTS[host]({
    root: join(root, 'src'),
    entries: Object.fromEntries(
      (expected.entries ?? ['main.ts']).map((file) => [basename(file, extname(file)), file]),
    ),
    browser: expected.browser,
    external: expected.external,
    ...way,
    outdir,
    options: {
      secretsFile: join(root, 'kms-secrets.json'),
      manifest: join(outdir, MANIFEST),
      aws: bench.aws,
      env,
      ...(include && { include: new RegExp(include, flags) }),
      ...(exclude && { exclude: new RegExp(exclude, flags) }),
      ...options,
      ...way.options,
    },
  })
  const files = [...(await filesIn(outdir)), ...(way.cache ? await filesIn(way.cache) : [])]
  return { ...outcome, outdir, files }
}

/**
 * Builds `src/main.ts` of a test's own project next to a secrets file, as an ES module without a map
 * unless the cell says otherwise, and reads every byte that came of it.
 *
 * @param named entries of the secrets file.
 */
export async function buildProject(
  { pair, aws }: Bench,
  host: HostName,
  root: string,
  { options, ...cell }: Partial<Cell> = {},
  named: Record<string, string> = {},
): Promise<Built> {
  const secretsFile = join(root, 'kms-secrets.json')
  await writeNamed(secretsFile, pair, named)
  const outdir = join(root, 'out')
  const outcome = await HOSTS[host]({
    root: join(root, 'src'),
    entries: { main: 'main.ts' },
    outdir,
    format: 'esm',
    maps: 'none',
    minify: false,
    options: { secretsFile, aws, ...options },
    ...cell,
  })
  return { ...outcome, outdir, files: await filesIn(outdir) }
}

const LEFT = 'planted-literal-value-7Q'

/** A project with a mark in a module that the option `exclude: /left/` keeps from the plugin, and a stub for the marker. */
export const LEFT_OUT = {
  value: LEFT,
  sources: {
    'src/main.ts': `export { key } from './left.js'\n`,
    'src/left.js': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret('${LEFT}')\n`,
    // Returns its argument.
    'src/stub.js': 'export const secret = (text) => text\n',
  },
}

const MANIFEST = 'kms-manifest.json'

/** Who has nothing but the outputs finds every secret in them, and what the manifest says of each. */
export async function expectInspected(
  { pair, arn }: Bench,
  { outdir }: Built,
  { embedded }: Expectation,
) {
  const { secrets, broken, against } = await inspect(outdir, { against: join(outdir, MANIFEST) })
  // Rollup has no root but the working directory, from which it names places.
  const facts = secrets.map(({ name, kind, format }) => `${name} ${kind} ${format}`)
  expect(facts.map((text) => text.replace(/^\.\.\/.*\/src\//, '')).sort()).toEqual(embedded)
  for (const secret of secrets) {
    expect(secret).toMatchObject({
      mode: 'envelope',
      fingerprint: pair.fingerprint,
      keys: [arn],
      encryptionContext: { app: 'matrix' },
    })
  }
  expect(broken).toEqual([])
  expect(against!.differences).toEqual([])
}

export async function filesIn(folder: string): Promise<[string, Buffer][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry): Promise<[string, Buffer]> => [
        join(entry.parentPath, entry.name),
        await readFile(join(entry.parentPath, entry.name)),
      ]),
  )
}

/** Checks that no output, file or message of the build contains a plaintext or a mark. */
export function expectClean(
  { files, terminal }: Pick<Built, 'files' | 'terminal'>,
  { plaintexts, terminal: shown }: Expectation,
) {
  const secrets = Object.fromEntries(plaintexts.map((value, at) => [`#${at}`, value]))
  // A stats file lists the marker among the imports of a module as it was before.
  expect(
    residueIn(files.filter(([name]) => !name.endsWith('stats.json') && !name.includes('cache'))),
  ).toEqual([])
  expect(detect(files, secrets)).toEqual([])
  if (!shown) expect(detect([['terminal', Buffer.from(terminal)]], secrets)).toEqual([])
}

export function expectRefused(
  { failed, terminal, files }: Built,
  { refused, says }: Expectation,
  host: HostName,
) {
  expect(failed, 'the build failed').toBe(true)
  if (refused) expect(terminal).toMatch(new RegExp(String.raw`\[(?:${refused})\]`))
  if (says && host !== 'farm') expect(terminal).toContain(says)
  // What a bundler does about an error of its own is its own affair.
  if (refused)
    expect(files.filter(([name]) => !name.includes('/cache/')).map(([name]) => name)).toEqual([])
}

/** Runs an entry with the embedded KMS and says what it printed. */
export async function printed(
  { kms }: { kms: LocalKms },
  { outdir }: Built,
  { entries = ['main.ts'] }: Expectation,
  extension: string,
) {
  const path = join(outdir, basename(entries[0]!, extname(entries[0]!)) + extension)
  const { stdout, stderr } = await run(process.execPath, [path, 'print'], {
    ...kms.env,
    NODE_OPTIONS: '',
  })
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout) as unknown
}

/** The Decrypt calls since a point in time, to count the unwraps. */
export const decrypts = ({ journal }: LocalKms) =>
  journal.filter(({ operation }) => operation === 'Decrypt').length

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
export const writeText = (path: string, text: string) => writeFile(path, text)

/** Returns the options of a build of `main.ts` to `out.mjs` with esbuild. */
export const esbuildOptions = (root: string, more: BuildOptions): BuildOptions => ({
  entryPoints: ['main.ts'],
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile: 'out.mjs',
  logLevel: 'silent',
  ...more,
})
