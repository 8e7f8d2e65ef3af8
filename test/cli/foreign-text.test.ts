import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { KmsBuildError } from '../../src/errors.js'
import { publicKeyDigest } from '../../src/crypto/data-key-pair.js'
import { shareOf } from '../support/combinations.js'
import { localPair } from '../support/project.js'
import { createSecretsFile, workspace, type Ran, type Workspace } from './cli.js'

/** Moves up, erases, and hides what follows; turns text around; ends the line. */
const HOSTILE = '\u001b[5A\u001b[0J\u001b[8m\u202e\u2028\u009b2J\r'
// A terminal acts on these. Line breaks and tabs are the program's own.
const CONTROLS = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

async function seeded() {
  const space = await workspace()
  const options = { keyIds: [key], encryptionContext: { app: 'shop' } }
  await createSecretsFile(space, kms, options, { A: 'the value of A' })
  return space
}

async function edit({ path }: Workspace, change: (file: any) => unknown) {
  const json = JSON.parse(await readFile(path('kms-secrets.json'), 'utf8'))
  change(json)
  await writeFile(path('kms-secrets.json'), JSON.stringify(json))
}

const expectPlain = ({ stdout, stderr }: Ran) => expect(stdout + stderr).not.toMatch(CONTROLS)

const COMMANDS = [['list'], ['list', '--keys'], ['get', 'A'], ['set', 'B'], ['doctor']]

describe('control characters cannot reach the terminal', () => {
  const places: [string, (file: any) => unknown][] = [
    ['a name', (file) => (file.secrets[`A${HOSTILE}`] = file.secrets.A)],
    ['a name with a line break', (file) => (file.secrets['A\nmade B'] = file.secrets.A)],
    ['a field', (file) => (file[`x${HOSTILE}`] = 1)],
    ['the current fingerprint', (file) => (file.current = HOSTILE)],
    ['a fingerprint', (file) => (file.dataKeyPairs[HOSTILE] = file.dataKeyPairs[file.current])],
    ['a context', (file) => (file.encryptionContext[`k${HOSTILE}`] = `v${HOSTILE}`)],
    ['the version', (file) => (file.version = HOSTILE)],
    [
      'a key ARN',
      (file) =>
        (Object.values<any>(file.dataKeyPairs)[0].privateKeyCiphertextBlobs[0].keyId = HOSTILE),
    ],
    ['a scope', (file) => Object.assign(file, { version: 2, scopes: { [HOSTILE]: {} } })],
  ]
  it.each(places)('of %s in the secrets file', async (place, change) => {
    const space = await seeded()
    await edit(space, change)
    const at = places.findIndex(([name]) => name === place)
    for (const args of shareOf(COMMANDS, at, 3)) {
      const ran = await space.cli(args, { stdin: 'the value of B', env: kms.env })
      expectPlain(ran)
      expect(ran.stdout).not.toMatch(/^made B/m)
    }
  })

  it('of the author and subject of a commit', async () => {
    const space = await seeded()
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', `user.name=Mallory${HOSTILE}`, '-c', 'user.email=m@m', ...args], {
        cwd: space.folder,
        env: space.env,
      })
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'first')
    const { publicKey, wrapped, fingerprint } = localPair()
    await edit(space, (file) => {
      file.dataKeyPairs[fingerprint] = {
        publicKey: publicKey.toString('base64'),
        privateKeyCiphertextBlobs: wrapped,
      }
    })
    git('commit', '-qam', `rotate ${HOSTILE}`)
    const ran = await space.cli(['set', 'B'], { stdin: 'the value of B' })
    expect(ran.code).toBe(4)
    expect(ran.stderr).toContain(publicKeyDigest(publicKey))
    expect(ran.stderr).toMatch(/changed by: [0-9a-f]+, Mallory.*rotate/)
    expectPlain(ran)
  })

  it('of a bundle that is inspected', async () => {
    const space = await seeded()
    const { fingerprint } = localPair()
    const token = JSON.parse(await readFile(space.path('kms-secrets.json'), 'utf8')).secrets.A
    const blobs = JSON.stringify([[key, 'kms.us-east-1.amazonaws.com', 'AAAA']])
    const settings = JSON.stringify({ pair: `${fingerprint}${HOSTILE}` })
    await writeFile(
      space.path('bundle.mjs'),
      `const open = envelope(${blobs}, {"k${'\\u001b'}[8m":"v"}, ${settings});\nopen("${token}", ${JSON.stringify(`A${HOSTILE}`)})\n`,
    )
    for (const flags of [[], ['--json'], ['--file', 'kms-secrets.json']])
      expectPlain(await space.cli(['inspect', 'bundle.mjs', ...flags]))
  })

  it('of an argument', async () => {
    const space = await seeded()
    for (const args of [
      [HOSTILE],
      ['get', HOSTILE],
      ['list', '--file', HOSTILE],
      ['set', 'B', '--scope', HOSTILE],
      ['list', `--${HOSTILE}`],
    ])
      expectPlain(await space.cli(args, { stdin: 'the value of B' }))
  })

  it('in the error of a build, which a bundler prints', () => {
    const error = new KmsBuildError('NAME_UNKNOWN', `no secret ${HOSTILE}`)
    expect(error.message).not.toMatch(CONTROLS)
    expect(error.at({ file: `a${HOSTILE}.ts`, line: 1, column: 1 }).message).not.toMatch(CONTROLS)
  })
})

describe('the command line of scopes and recovery', () => {
  it('creates a scope, sets, lists, rotates and prints the policy of it', async () => {
    const space = await seeded()
    const cli = (args: string[], stdin = '') => space.cli(args, { stdin, env: kms.env })
    const context = ['--context', 'app=shop', '--context', 'scope=billing']
    const init = await cli(['init', '--scope', 'billing', '--key', key, ...context])
    expect(init).toMatchObject({ code: 0, stderr: expect.stringContaining(`  ${key}`) })
    expect(await cli(['set', 'STRIPE', '--scope', 'billing'], 'the key')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('added STRIPE in the scope billing of '),
    })
    expect(await cli(['set', 'STRIPE'], 'another')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--scope billing'),
    })
    expect((await cli(['list'])).stdout).toMatch(/^A .* default\s*\nSTRIPE .* billing\s*\n/)
    const keys = await cli(['list', '--keys'])
    expect(keys.stdout).toMatch(
      /scope billing\n[^]*scope default\n|scope default\n[^]*scope billing\n/,
    )
    expect(keys.stdout).toMatch(/\npin sha256:[0-9a-f]{64}\n$/)
    const rotated = await cli(['rotate', '--scope', 'billing'])
    expect(rotated.stdout).toMatch(/now the current pair of the scope billing of /)
    expect(rotated.stderr).toContain('a private key of the scope billing is wrapped under:')
    const policy = await cli(['policy', 'runtime', '--scope', 'billing'])
    expect(policy.stdout).toContain('"kms:EncryptionContext:scope": "billing"')
    expect((await cli(['get', 'STRIPE'])).stdout).toBe('the key')
  })

  it('warns in list, and exits with 1, if the keys are not the trusted ones', async () => {
    const space = await seeded()
    await edit(space, (file) => (file.encryptionContext = { app: 'mallory' }))
    const listed = await space.cli(['list'])
    expect(listed.code).toBe(1)
    expect(listed.stdout).toMatch(/^A /)
    expect(listed.stderr).toContain('+   encryption context {"app":"mallory"}')
    expect(await space.cli(['list', '--keys', '--json'])).toMatchObject({ code: 1 })
  })

  it('adds a recovery recipient, lists it, and decrypts with its identity', async () => {
    const { generateIdentity, identityToRecipient } = await import('age-encryption')
    const identity = await generateIdentity()
    const recipient = await identityToRecipient(identity)
    const space = await seeded()
    await writeFile(space.path('key.txt'), `${identity}\n`)
    const added = await space.cli(['rewrap', '--recovery', recipient], { env: kms.env })
    expect(added).toMatchObject({ code: 0, stderr: expect.stringContaining(recipient) })
    expect((await space.cli(['list'])).stdout).toContain(`recovery: ${recipient}`)
    const got = await space.cli(['get', 'A', '--recovery', 'key.txt'])
    expect(got).toMatchObject({ code: 0, stdout: 'the value of A' })
    const removed = await space.cli(['rewrap', '--recovery', 'none'], { env: kms.env })
    expect(removed.code).toBe(0)
    expect((await space.cli(['list'])).stdout).not.toContain(recipient)
  })
})
