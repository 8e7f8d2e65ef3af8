import { spawnSync } from 'node:child_process'
import { link, lstat, readFile, symlink, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { getSecret } from '../../src/secrets/get.js'
import { shareOf } from '../support/combinations.js'
import { CIPHERTEXTS, DIFFICULT, fewAtATime, isText } from '../support/difficult-values.js'
import { workspace, type Ran, type Workspace } from './cli.js'
import { inTerminal } from './in-terminal.js'

let kms: LocalKms
let empty: string
beforeAll(async () => {
  kms = await startLocalKms()
  const { arn } = await kms.createKey()
  const space = await workspace()
  await space.cli(['init', '--key', arn], { env: kms.env })
  empty = await readFile(space.path('kms-secrets.json'), 'utf8')
})
afterAll(() => kms.close())

const seeded = (files: Record<string, string | Uint8Array> = {}) =>
  workspace({ 'kms-secrets.json': empty, ...files })

/** Reads entries back through KMS. */
async function entry(space: Workspace, name: string, file = 'kms-secrets.json'): Promise<Buffer> {
  const { accessKeyId, secretAccessKey } = kms.admin.credentials
  return Buffer.from(
    await getSecret(name, {
      secretsFile: space.path(file),
      aws: { endpoint: kms.url, region: kms.region, credentials: { accessKeyId, secretAccessKey } },
    }),
  )
}

const NAMES = Object.keys(DIFFICULT).filter((name) => name !== 'a lone surrogate')
const file = (name: string) => `kms-secrets.${NAMES.indexOf(name)}.json`

/** Seals each value into a file of its own; returns the names that were rejected, with their code. */
async function sealEach(
  names: string[],
  set: (space: Workspace, name: string) => Promise<Pick<Ran, 'code'> & { text: string }>,
) {
  const space = await seeded(Object.fromEntries(names.map((name) => [file(name), empty])))
  const rejected: Record<string, string> = {}
  await fewAtATime(
    names.map((name) => async () => {
      const { code, text } = await set(space, name)
      if (code === 0) {
        const back = await entry(space, 'V', file(name))
        expect(back.equals(Buffer.from(DIFFICULT[name]!)), name).toBe(true)
      } else rejected[name] = /\[(\w+)\]/.exec(text)?.[1] ?? text
    }),
  )
  return rejected
}

const FOREIGN = Object.fromEntries(
  CIPHERTEXTS.map((name) => [
    name,
    name === 'a sealed token' ? 'TOKEN_INVALID' : 'CIPHERTEXT_FOREIGN',
  ]),
)

/** The expected codes of these values. */
const codesOf = (names: string[], codes: Record<string, string>) =>
  Object.fromEntries(Object.entries(codes).filter(([name]) => names.includes(name)))

const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

describe('set seals a difficult value unchanged or rejects it:', () => {
  it('from stdin, without the line break that ends it', async () => {
    const piped = shareOf(NAMES, 0, 4)
    const rejected = await sealEach(piped, async (space, name) => {
      const stdin = Buffer.concat([Buffer.from(DIFFICULT[name]!), Buffer.from('\n')])
      const { code, stderr } = await space.cli(['set', 'V', '-f', file(name)], { stdin })
      return { code, text: stderr }
    })
    const expected = {
      ...FOREIGN,
      'a byte order mark in front': 'ARGUMENT_INVALID',
      'UTF-16 with a byte order mark': 'ARGUMENT_INVALID',
      'bytes that are not UTF-8': 'ARGUMENT_INVALID',
      // Its bytes and the line break after them are a string with NULs, which is not valid UTF-16.
      'a git-crypt ciphertext': 'ARGUMENT_INVALID',
      'UTF-16 without one': 'ARGUMENT_INVALID',
    }
    expect(rejected).toEqual(codesOf(piped, expected))
  })

  it('from a file, byte for byte', async () => {
    const written = shareOf(NAMES, 1, 4)
    const rejected = await sealEach(written, async (space, name) => {
      await writeFile(space.path(`${file(name)}.txt`), DIFFICULT[name]!)
      const args = ['set', 'V', '-f', file(name), '--from-file', `${file(name)}.txt`]
      const { code, stderr } = await space.cli(args)
      if (name === 'a byte order mark in front') expect(stderr).toContain('byte order mark')
      return { code, text: stderr }
    })
    expect(rejected).toEqual(codesOf(written, FOREIGN))
  })

  it.skipIf(!hasPython)('at the prompt (needs python3, for a terminal)', async () => {
    // Enter ends the value, as a line break does.
    const typed = shareOf(NAMES, 2, 8).filter(
      (name) => isText(DIFFICULT[name]!) && name !== '1 MB' && name !== 'a line break at the end',
    )
    const rejected = await sealEach(typed, async (space, name) => {
      const args = ['set', 'V', '-f', file(name)]
      const { code, output } = await inTerminal(
        space,
        args,
        [['Value of V', `${DIFFICULT[name]}\r`]],
        kms.env,
      )
      return { code, text: output }
    })
    const controls = typed.filter((name) => /\p{Cc}/u.test(DIFFICULT[name] as string))
    const expected = {
      ...FOREIGN,
      ...Object.fromEntries(controls.map((name) => [name, 'ARGUMENT_INVALID'])),
      'a byte order mark in front': 'ARGUMENT_INVALID',
    }
    expect(rejected).toEqual(codesOf(typed, expected))
  })
})

describe('import seals difficult values unchanged or rejects the file', () => {
  const QUOTED = NAMES.filter((name) => {
    const value = DIFFICULT[name]!
    return isText(value) && !/['\r]/.test(value) && !CIPHERTEXTS.includes(name)
  })

  it('seals every value in single quotes unchanged, and deletes the file', async () => {
    const lines = QUOTED.filter((name) => name !== 'a byte order mark in front').map(
      (name) => `V${NAMES.indexOf(name)}='${DIFFICULT[name] as string}'`,
    )
    const space = await seeded({ '.env': lines.join('\n') })
    const { code, stderr } = await space.cli(['import', '.env', '--delete'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('deleted .env')])
    for (const name of QUOTED.filter((one) => one !== 'a byte order mark in front')) {
      const back = await entry(space, `V${NAMES.indexOf(name)}`)
      expect(back.equals(Buffer.from(DIFFICULT[name]!)), name).toBe(true)
    }
    await expect(lstat(space.path('.env'))).rejects.toThrow('ENOENT')
  })

  it.each([
    ["P=it's#horse1", 'DOTENV_AMBIGUOUS'],
    ['P=p"w#x', 'DOTENV_AMBIGUOUS'],
    ['P=correct horse#x', 'DOTENV_AMBIGUOUS'],
    ['P: a#b', 'DOTENV_AMBIGUOUS'],
    ['P=#horse', 'DOTENV_AMBIGUOUS'],
    [`P="${DIFFICULT['a dotenvx ciphertext'] as string}"`, 'CIPHERTEXT_FOREIGN'],
    [`P=${DIFFICULT['a sops ciphertext'] as string}`, 'CIPHERTEXT_FOREIGN'],
    ['P="\ufeffhorse"', 'PLAINTEXT_ENCODING'],
  ])('keeps the file and seals nothing if a line is %s', async (line, code) => {
    const text = `A=first-value\n${line}\nB=second-value\n`
    const space = await seeded({ 'r.env': text })
    const ran = await space.cli(['import', 'r.env', '--delete'])
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(`[${code}]`) })
    expect(ran.stderr).toContain('P ')
    expect(ran.stderr).not.toMatch(/horse/)
    expect(await readFile(space.path('r.env'), 'utf8')).toBe(text)
    expect(await readFile(space.path('kms-secrets.json'), 'utf8')).toBe(empty)
  })

  it.each([
    ['a line that is not an assignment', 'A=first-value\n\nsomething else\n'],
    ['a name with two values', 'A=first-value\nA=second-value\n'],
  ])('keeps a file with %s, because not everything in it was sealed', async (_, text) => {
    const space = await seeded({ '.env': text })
    const ran = await space.cli(['import', '.env', '--delete'])
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('was not deleted')])
    expect(await readFile(space.path('.env'), 'utf8')).toBe(text)
  })

  it('keeps a symbolic link, and names the file that contains the plaintext', async () => {
    const space = await seeded({ 'shared/.env': 'A=first-value\n' })
    await symlink('shared/.env', space.path('.env'))
    const ran = await space.cli(['import', '.env', '--delete'])
    expect([ran.code, ran.stderr]).toEqual([
      0,
      expect.stringMatching(/symbolic link.*shared\/\.env/),
    ])
    expect((await lstat(space.path('.env'))).isSymbolicLink()).toBe(true)
    expect(await readFile(space.path('shared/.env'), 'utf8')).toBe('A=first-value\n')
  })

  it('keeps a file that has a second name', async () => {
    const space = await seeded({ '.env': 'A=first-value\n' })
    await link(space.path('.env'), space.path('other.env'))
    const ran = await space.cli(['import', '.env', '--delete'])
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('2 names (hard links)')])
    expect(await readFile(space.path('.env'), 'utf8')).toBe('A=first-value\n')
  })
})

describe('a name of the encryption context that is given twice', () => {
  it.each([
    [['init', '--key', 'alias/a']],
    [['rewrap']],
    [['policy', 'runtime', 'dist']],
    [['doctor']],
    [['build', 'a.ts', '--outdir', 'out']],
  ])('is rejected by %s', async (args) => {
    const space = await workspace()
    const ran = await space.cli([...args, '--context', 'app=x', '--context', 'app=y'])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('app is given twice')])
  })
})
