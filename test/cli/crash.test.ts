import { existsSync } from 'node:fs'
import { cp, readdir, readFile, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { kmsOpeningCalls } from '../../src/aws/kms-decrypt.js'
import { looksLikeToken } from '../../src/crypto/token.js'
import {
  encryptSources,
  findPlaintextLiterals,
  getSecret,
  listSecrets,
  rotateSecrets,
  setSecret,
} from '../../src/index.js'
import { collect } from '../../src/pipeline/collect/collect.js'
import { tokenIn } from '../../src/pipeline/resolve/literal.js'
import { existingSecretsFile } from '../../src/secrets-file/locate.js'
import { opener } from '../../src/secrets-file/open.js'
import { triesAll } from '../support/combinations.js'
import { workspace, type Workspace } from './cli.js'

const VALUES: Record<string, string> = { A: 'value of a', B: 'value of b' }
const literal = (text: string) =>
  `import { secret } from 'unplugin-kms/secret'\nexport const x = secret('${text}')\n`
const KILL = ['--import', fileURLToPath(new URL('kill-at.mjs', import.meta.url))]

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

const aws = () => ({
  endpoint: kms.url,
  region: kms.region,
  credentials: {
    accessKeyId: kms.env.AWS_ACCESS_KEY_ID!,
    secretAccessKey: kms.env.AWS_SECRET_ACCESS_KEY!,
  },
})

async function prepared(sources: 'plain' | 'sealed') {
  const space = await workspace({
    'src/one.ts': literal('literal one'),
    'src/two.ts': literal('literal two'),
  })
  await space.cli(['init', '--key', key], { env: kms.env })
  vi.stubEnv('XDG_STATE_HOME', space.env.XDG_STATE_HOME)
  const options = { secretsFile: space.path('kms-secrets.json'), aws: aws() }
  for (const [name, value] of Object.entries(VALUES)) await setSecret(name, value, options)
  if (sources === 'sealed') await encryptSources([space.path('src')], options)
  return space
}

/** `npm test` cuts a command short at every third step. */
const STRIDE = triesAll ? 1 : 3

/** Runs a command in a project as it was, cut short one step later each time, until it is not. */
async function* cutAtEachStep(space: Workspace, args: string[], env: Record<string, string> = {}) {
  const saved = await workspace()
  await cp(space.folder, saved.path('project'), { recursive: true })
  await cp(space.env.XDG_STATE_HOME!, saved.path('state'), { recursive: true })
  for (let at = 1; ; at += STRIDE) {
    for (const [from, to] of [
      ['project', space.folder],
      ['state', space.env.XDG_STATE_HOME!],
    ] as const) {
      await rm(to, { recursive: true })
      await cp(saved.path(from), to, { recursive: true })
    }
    const reached = saved.path(`reached-${at}`)
    const ran = await space.cli(args, {
      env: { ...kms.env, KILL_AT: String(at), REACHED: reached, ...env },
      nodeOptions: KILL,
      stdin: 'new value',
    })
    if (!existsSync(reached)) return expect(ran).toMatchObject({ code: 0 })
    await letLocksGrowOld(space)
    yield { ran, space, options: { secretsFile: space.path('kms-secrets.json'), aws: aws() } }
  }
}

async function letLocksGrowOld({ folder, env }: Workspace) {
  for (const root of [folder, env.XDG_STATE_HOME!]) {
    for (const name of await readdir(root, { recursive: true })) {
      if (name.endsWith('.lock')) await utimes(join(root, name), 0, 0)
    }
  }
}

/** The literals of the sources, opened where they are sealed. */
async function literalsOf(space: Workspace, options: { secretsFile: string }) {
  const { open } = opener(kmsOpeningCalls(aws()), await existingSecretsFile(options))
  return Promise.all(
    ['one', 'two'].map(async (name) => {
      const [mark] = collect(await readFile(space.path(`src/${name}.ts`), 'utf8'), 'a.ts')!.marks
      return looksLikeToken(mark!.argument)
        ? Buffer.from(await open(tokenIn(mark!), 'a')).toString()
        : mark!.argument
    }),
  )
}

const entriesOf = async (options: { secretsFile: string }) =>
  Object.fromEntries(
    await Promise.all(
      (await listSecrets(options)).map(async ({ name }) => [
        name,
        Buffer.from(await getSecret(name, { ...options, aws: aws() })).toString(),
      ]),
    ),
  )

describe('a command that is killed between any two steps', () => {
  it('rotate: everything can still be decrypted, and a second run finishes', async () => {
    let steps = 0
    for await (const { space, options } of cutAtEachStep(await prepared('sealed'), [
      'rotate',
      'src/one.ts',
    ])) {
      steps += STRIDE
      expect(await entriesOf(options)).toEqual(VALUES)
      expect(await literalsOf(space, options)).toEqual(['literal one', 'literal two'])
      const { finished } = await rotateSecrets({ ...options, paths: [space.path('src/one.ts')] })
      if (finished) expect((await existingSecretsFile(options)).pairs.size).toBe(2)
      expect((await listSecrets(options)).some(({ stale }) => stale)).toBe(false)
      expect(await literalsOf(space, options)).toEqual(['literal one', 'literal two'])
    }
    expect(steps).toBeGreaterThan(8)
  })

  it('encrypt: each module is intact, and a second run seals the rest', async () => {
    let steps = 0
    for await (const { space, options } of cutAtEachStep(await prepared('plain'), [
      'encrypt',
      'src',
    ])) {
      steps += STRIDE
      expect(await literalsOf(space, options)).toEqual(['literal one', 'literal two'])
      await encryptSources([space.path('src')], options)
      expect(await findPlaintextLiterals([space.path('src')])).toEqual([])
      expect(await literalsOf(space, options)).toEqual(['literal one', 'literal two'])
    }
    expect(steps).toBeGreaterThan(3)
  })

  it('decrypt: each module or its sealed original is intact, and no copy has a plaintext', async () => {
    const origin = await prepared('sealed')
    let steps = 0
    for await (const { space, options } of cutAtEachStep(origin, ['decrypt', 'src/one.ts'])) {
      steps += STRIDE
      for (const file of await readdir(space.path('src'))) {
        const text = await readFile(space.path(`src/${file}`), 'utf8')
        if (file.endsWith('.ts')) continue
        expect(text).not.toContain('literal ')
        if (file.endsWith('.sealed'))
          await cp(space.path(`src/${file}`), space.path(`src/${file.slice(0, -7)}`))
      }
      expect(await literalsOf(space, options)).toEqual(['literal one', 'literal two'])
    }
    expect(steps).toBeGreaterThan(3)
  })

  it('set: the file has the old entries or the new ones', async () => {
    let steps = 0
    for await (const { space, options } of cutAtEachStep(await prepared('plain'), ['set', 'A'])) {
      steps += STRIDE
      expect([VALUES.A, 'new value']).toContain((await entriesOf(options)).A)
      expect((await entriesOf(options)).B).toBe(VALUES.B)
      expect(
        JSON.stringify(
          await Promise.all(
            (await readdir(space.folder))
              .filter((name) => name.endsWith('.tmp'))
              .map((name) => readFile(space.path(name), 'utf8')),
          ),
        ),
      ).not.toContain('new value')
    }
    expect(steps).toBeGreaterThan(3)
  })
})

describe('a disk that is full at any step', () => {
  it.each([
    ['set', ['set', 'A']],
    ['encrypt', ['encrypt', 'src']],
  ])('leaves every file of %s intact, and no value in a message', async (_, args) => {
    const origin = await prepared('plain')
    const before = await readFile(origin.path('kms-secrets.json'), 'utf8')
    let refused = 0
    for await (const { ran, space, options } of cutAtEachStep(origin, [...args, '--verbose'], {
      FAIL_WITH: 'ENOSPC',
    })) {
      expect(await literalsOf(space, options)).toEqual(['literal one', 'literal two'])
      expect(ran.stdout + ran.stderr).not.toMatch(/new value|literal one|literal two/)
      if (ran.code === 0) continue
      refused += STRIDE
      expect(ran).toMatchObject({ code: 4, stderr: expect.stringMatching(/ENOSPC.*disk is full/) })
      expect(await readFile(space.path('kms-secrets.json'), 'utf8')).toBe(before)
    }
    expect(refused).toBeGreaterThan(triesAll ? 2 : 0)
  })
})

it('makes concurrent commands on one file wait for each other', async () => {
  const space = await prepared('plain')
  const names = ['C', 'D', 'E', 'F', 'G']
  const ran = await Promise.all(names.map((name) => space.cli(['set', name], { stdin: name })))
  expect(ran.map(({ code }) => code)).toEqual(names.map(() => 0))
  expect(Object.keys(await entriesOf({ secretsFile: space.path('kms-secrets.json') }))).toEqual([
    'A',
    'B',
    ...names,
  ])
})
