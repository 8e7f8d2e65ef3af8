import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { build as buildEsbuild } from 'esbuild'
import { build as buildVite } from 'vite'
import { describe, expect, it, onTestFinished } from 'vitest'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsVite from '../../src/bundlers/vite.js'
import { sealToText } from '../../src/crypto/seal.js'
import type { Manifest } from '../../src/embedded/manifest-format.js'
import { inspect } from '../../src/inspect/inspect.js'
import { BUNDLERS, type Bundler } from '../support/bundle.js'
import { KEY_ARN, localPair, project, secretsFile } from '../support/project.js'

const SOURCES = {
  'src/main.ts': `import { secret } from 'unplugin-kms/secret'
export const literal = secret('a literal of the source')
export const named = secret.named('DB_PASSWORD')
export const bytes = secret.named('DB_PASSWORD', 'bytes')
export const short = secret.env('PIN')
export const user = secret.env('DB_USER')
const unused = secret.env('UNUSED')
export const lazy = () => import('./lazy.js')`,
  'src/lazy.ts': `import { secret } from 'unplugin-kms/secret'
export const again = secret.named('DB_PASSWORD')`,
}

/** A project that is built with a manifest, and the pair to which its secrets are sealed. */
async function sample(files: Record<string, string> = SOURCES) {
  const root = await project(files)
  const pair = await secretsFile(join(root, 'kms-secrets.json'), {
    DB_PASSWORD: 'value of the file',
    OTHER: 'value that no bundle opens',
  })
  return { root, pair }
}

const build = ({ bundle }: Bundler, root: string, manifest = join(root, 'kms-manifest.json')) =>
  bundle({
    root,
    options: {
      manifest,
      plaintextLiterals: 'allow',
      env: { PIN: '1234', DB_USER: 'a user that is known', UNUSED: 'value of nobody' },
      leakCheck: { except: ['DB_USER'] },
    },
  })

const readManifest = async (root: string) =>
  JSON.parse(await readFile(join(root, 'kms-manifest.json'), 'utf8')) as Manifest

const [esbuild] = BUNDLERS as [Bundler]

describe.each(BUNDLERS)('the manifest that $name writes', (bundler) => {
  it('lists the secrets of the outputs, and those that were not searched for', async () => {
    const { root, pair } = await sample()
    await build(bundler, root)
    const { version, secrets, notSearchedFor } = await readManifest(root)
    expect(version).toBe(1)
    // Rollup has no root but the working directory, from which it names places.
    const facts = secrets.map(({ name, kind, format }) => `${basename(name)} ${kind} ${format}`)
    expect(facts.sort()).toEqual([
      'DB_PASSWORD named bytes',
      'DB_PASSWORD named text',
      'DB_USER literal text',
      'PIN literal text',
      'main.ts:2 literal text',
    ])
    const entry = secrets.find(({ name, format }) => name === 'DB_PASSWORD' && format === 'text')
    expect(entry).toMatchObject({
      mode: 'envelope',
      fingerprint: pair.fingerprint,
      keys: [KEY_ARN],
      regions: ['us-east-1'],
      ciphertextSize: 'value of the file'.length + 16,
    })
    expect(entry!.chunks).not.toEqual([])
    expect(notSearchedFor).toEqual({ excepted: ['DB_USER'], tooShort: ['PIN'] })
  })

  it('agrees with an inspection of the outputs', async () => {
    const { root } = await sample()
    await build(bundler, root)
    const { against } = await inspect(join(root, 'out'), {
      against: join(root, 'kms-manifest.json'),
    })
    expect(against).toMatchObject({ agrees: true, differences: [] })
  })

  it('is equal in the next build, and contains no path of the machine', async () => {
    const { root } = await sample()
    await build(bundler, root)
    const first = await readFile(join(root, 'kms-manifest.json'), 'utf8')
    await writeFile(join(root, 'kms-manifest.json'), '')
    await build(bundler, root)
    const second = await readFile(join(root, 'kms-manifest.json'), 'utf8')
    expect(withoutHashes(second)).toBe(withoutHashes(first))
    // Rollup and its like name a place by the way from the working directory, which has no root.
    expect(second).not.toContain(`"${root}`)
  })

  it('is not written if the build fails', async () => {
    const { root } = await sample({
      'src/main.ts': `import { secret } from 'unplugin-kms/secret'
export const literal = secret('a literal of the source'), leak = 'a literal of the source'`,
    })
    await expect(build(bundler, root)).rejects.toThrow('[LEAK]')
    await expect(readManifest(root)).rejects.toThrow('ENOENT')
  })
})

/** Tokens are new in each build, and with them a chunk's content and the hash in its name. */
const withoutHashes = (text: string) => text.replace(/-[\w-]{8}\.(m?js)/g, '-HASH.$1')

it('writes the manifest to the path of the option, and creates its folder', async () => {
  const { root } = await sample()
  await build(esbuild, root, join(root, 'reports/deep/kms.json'))
  expect(await readFile(join(root, 'reports/deep/kms.json'), 'utf8')).toContain('DB_PASSWORD')
})

it('a build for the browser without marks does not replace the server’s manifest', async () => {
  const { root } = await sample({
    'src/shared.ts': `import { secret } from 'unplugin-kms/secret'
export const password = secret.named('DB_PASSWORD')
export const title = 'no secret'`,
    'src/main.ts': `import { password } from './shared.js'
password.then(console.log)`,
    'src/page.ts': `import { title } from './shared.js'
console.log(title)`,
  })
  // Vitest runs what Vite calls `client` in Node, and the plugin knows it by this variable.
  const { VITEST } = process.env
  delete process.env.VITEST
  onTestFinished(() => void (process.env.VITEST = VITEST))
  const kms = () =>
    kmsVite({
      secretsFile: join(root, 'kms-secrets.json'),
      manifest: join(root, 'kms-manifest.json'),
    })
  const build = (entry: string, ssr: boolean) =>
    buildVite({
      root,
      configFile: false,
      logLevel: 'silent',
      build: {
        ssr,
        outDir: join(root, 'out', entry),
        rolldownOptions: { input: join(root, 'src', entry) },
      },
      plugins: [kms()],
    })
  await build('main.ts', true)
  const written = await readManifest(root)
  expect(written.secrets.map(({ name }) => name)).toEqual(['DB_PASSWORD'])
  await build('page.ts', false)
  expect(await readManifest(root)).toEqual(written)
})

it('fails the build if the manifest cannot be written', async () => {
  const { root } = await sample()
  await mkdir(join(root, 'kms-manifest.json'))
  await expect(build(esbuild, root)).rejects.toThrow('FILE_UNWRITABLE')
})

it('does not list a source map as a chunk', async () => {
  const { root, pair } = await sample()
  const token = await sealToText(pair, 'literal', Buffer.from('hunter2'))
  await writeFile(
    join(root, 'src/main.ts'),
    `import { secret } from 'unplugin-kms/secret'\nexport const sealed = secret('${token}')`,
  )
  const manifest = join(root, 'kms-manifest.json')
  await esbuild.bundle({ root, sourcemap: true, options: { manifest } })
  expect(await readFile(join(root, 'out/main.mjs.map'), 'utf8')).toContain(token)
  expect((await readManifest(root)).secrets).toMatchObject([{ chunks: ['main.mjs'] }])
})

it('omits the fingerprint of a pair that the build creates', async () => {
  const kms = await startLocalKms()
  onTestFinished(() => kms.close())
  const { arn } = await kms.createKey()
  const { accessKeyId, secretAccessKey } = kms.admin.credentials
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')`,
  })
  const options = {
    keyId: arn,
    encryptionContext: { stage: 'test', app: 'orders' },
    env: { KEY: 'value of the key' },
    manifest: join(root, 'kms-manifest.json'),
    aws: {
      endpoint: kms.url,
      region: kms.region,
      credentials: { accessKeyId, secretAccessKey },
    },
  }
  const manifests: string[] = []
  for (let run = 0; run < 2; run++) {
    await buildEsbuild({
      entryPoints: [join(root, 'src/main.ts')],
      absWorkingDir: root,
      outfile: join(root, 'out/main.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      plugins: [kmsEsbuild(options)],
    })
    manifests.push(await readFile(options.manifest, 'utf8'))
    await rm(options.manifest)
  }
  expect(manifests[0]).toBe(manifests[1])
  expect((JSON.parse(manifests[0]!) as Manifest).secrets).toMatchObject([
    { name: 'KEY', fingerprint: null, keys: [arn], chunks: ['main.mjs'] },
  ])
})

it('writes no manifest with write: false of esbuild', async () => {
  const { root } = await sample()
  const manifest = join(root, 'kms-manifest.json')
  const { outputFiles } = await buildEsbuild({
    entryPoints: [join(root, 'src/lazy.ts')],
    absWorkingDir: root,
    outdir: join(root, 'out'),
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    plugins: [kmsEsbuild({ secretsFile: join(root, 'kms-secrets.json'), manifest })],
  })
  expect(outputFiles).toHaveLength(1)
  await expect(readManifest(root)).rejects.toThrow('ENOENT')
})

describe('a bundle that differs from its manifest', () => {
  /** Builds, changes the manifest, and returns the differences. */
  async function after(change: (manifest: Manifest) => void) {
    const { root } = await sample()
    await build(esbuild, root)
    const manifest = await readManifest(root)
    change(manifest)
    const path = join(root, 'kms-manifest.json')
    await writeFile(path, JSON.stringify(manifest))
    const { against } = await inspect(join(root, 'out'), { against: path })
    expect(against!.agrees).toBe(!against!.differences.length)
    return against!.differences
  }

  it('is reported for an added secret', async () => {
    expect(await after(({ secrets }) => void secrets.splice(2, 1))).toEqual([
      { name: 'DB_USER', what: 'added' },
    ])
  })

  it('is reported for a missing secret', async () => {
    expect(
      await after(({ secrets }) => void secrets.push({ ...secrets[0]!, name: 'GONE' })),
    ).toEqual([{ name: 'GONE', what: 'missing' }])
  })

  it.each([
    ['kind', 'bytes'],
    ['format', 'json'],
    ['mode', 'direct'],
    ['fingerprint', localPair().fingerprint],
    ['keys', [KEY_ARN.replace('us-east-1', 'eu-west-1')]],
    ['encryptionContext', { app: 'other' }],
    ['ciphertextSize', 7],
    ['chunks', ['other.mjs']],
  ])('is reported for %s', async (fact, value) => {
    const found = await after(({ secrets }) => void Object.assign(secrets[2]!, { [fact]: value }))
    expect(found).toMatchObject([{ name: 'DB_USER', what: 'changed', fact, manifest: value }])
  })

  it('may have another pair if the build created it', async () => {
    const found = await after(({ secrets }) => {
      for (const secret of secrets) secret.fingerprint = null
    })
    expect(found).toEqual([])
  })

  it.each(['', '{}', '[]', '{"version":2,"secrets":[]}', '{"version":1,"secrets":[{"name":"X"}]}'])(
    'is not compared with %j, which is not a manifest',
    async (text) => {
      const root = await project({ 'm.json': text })
      await expect(inspect(root, { against: join(root, 'm.json') })).rejects.toMatchObject({
        code: 'MANIFEST_INVALID',
      })
    },
  )
})

describe('a bundle that is compared with a secrets file', () => {
  async function compared(change: (root: string, path: string) => Promise<unknown>) {
    const { root, pair } = await sample()
    await build(esbuild, root)
    const path = join(root, 'kms-secrets.json')
    await change(root, path)
    const { secretsFile: found } = await inspect(join(root, 'out'), { secretsFile: path })
    return { ...found!, pair }
  }

  it('agrees if it was built with the file, and reports unused entries', async () => {
    expect(await compared(async () => {})).toMatchObject({
      agrees: true,
      foreign: [],
      stale: [],
      missing: [],
      unused: ['OTHER'],
    })
  })

  it('contains only foreign secrets for a file with another pair', async () => {
    const { agrees, foreign } = await compared((_, path) => secretsFile(path, { DB_PASSWORD: 'x' }))
    expect(agrees).toBe(false)
    expect(foreign).toHaveLength(4)
  })

  it('has a stale secret for a replaced entry, and a missing one for a deleted entry', async () => {
    const changed = async (text: (json: Json) => void) =>
      compared(async (_, path) => {
        const json = JSON.parse(await readFile(path, 'utf8')) as Json
        text(json)
        await writeFile(path, JSON.stringify(json))
      })
    const replaced = await changed((json) => (json.secrets.DB_PASSWORD = json.secrets.OTHER!))
    expect(replaced).toMatchObject({ agrees: false, stale: ['DB_PASSWORD'], missing: [] })
    const deleted = await changed((json) => delete json.secrets.DB_PASSWORD)
    expect(deleted).toMatchObject({ agrees: false, stale: [], missing: ['DB_PASSWORD'] })
  })

  interface Json {
    secrets: Record<string, string>
  }
})
