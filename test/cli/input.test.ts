import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { fingerprintOf } from '../../src/crypto/data-key-pair.js'
import { localPair } from '../support/project.js'
import { workspace, type RunOptions, type Workspace } from './cli.js'

const VALUE = 'correct horse battery staple'
let kms: LocalKms
let text: string
beforeAll(async () => {
  kms = await startLocalKms()
  const { arn } = await kms.createKey()
  const space = await workspace()
  await space.cli(['init', '--key', arn, '--context', 'app=orders'], { env: kms.env })
  await space.cli(['set', 'A'], { stdin: VALUE })
  text = await readFile(space.path('kms-secrets.json'), 'utf8')
})
afterAll(() => kms.close())

const seeded = (files: Record<string, string | Uint8Array> = {}) =>
  workspace({ 'kms-secrets.json': text, ...files })
const content = ({ path }: Workspace) => readFile(path('kms-secrets.json'), 'utf8')
const set = (space: Workspace, name: string, options: RunOptions = {}) =>
  space.cli(['set', name], { stdin: VALUE, ...options })

describe('a value in the arguments', () => {
  it.each([
    [['set', 'DB', 'hunter2-value']],
    [['set', 'DB=hunter2-value']],
    [['set', 'DB', '--value', 'hunter2-value']],
    [['set', 'DB', '--value=hunter2-value']],
    [['set', 'DB', '-phunter2-value']],
  ])('is rejected without being repeated: %j', async (args) => {
    const space = await seeded()
    const { code, stdout, stderr } = await space.cli(args, { stdin: VALUE })
    expect(code).toBe(2)
    expect(stderr).toContain('a value is never given as an argument'.slice(2))
    expect(stdout + stderr).not.toContain('hunter2')
    expect(await content(space)).toBe(text)
  })
})

describe('names', () => {
  it('are returned unchanged, whatever characters they contain', async () => {
    const names = [
      'with space',
      'ключ',
      '名前',
      '__proto__',
      'constructor',
      'a.b/c',
      '🔑',
      '0',
      'it\'s "quoted"',
    ]
    const space = await seeded()
    for (const name of names) expect(await set(space, name)).toMatchObject({ code: 0 })
    const listed = JSON.parse((await space.cli(['list', '--json'])).stdout) as { name: string }[]
    expect(listed.map(({ name }) => name)).toEqual([...names, 'A'].sort())
    for (const name of ['__proto__', '🔑'])
      expect((await space.cli(['get', name], { env: kms.env })).stdout).toBe(VALUE)
  })

  it.each([[''], [' a'], ['a '], ['a\nb'], ['e\u0301']])('may not be %j', async (name) => {
    expect((await set(await seeded(), name)).stderr).toContain('NAME_INVALID')
  })
})

describe('values', () => {
  it.each([
    ['of 0 bytes', '', 'PLAINTEXT_EMPTY'],
    ['of a line break alone', '\n', 'PLAINTEXT_EMPTY'],
    ['of bytes that are not UTF-8', Uint8Array.of(255, 254), 'ARGUMENT_INVALID'],
  ])('that are %s are rejected on stdin', async (_, stdin, code) => {
    const space = await seeded()
    const ran = await set(space, 'B', { stdin })
    expect(ran).toMatchObject({ code: 2 })
    expect(ran.stderr).toContain(code)
    expect(await content(space)).toBe(text)
  })

  it('of 5 MB are sealed, listed and decrypted', async () => {
    const big = randomBytes(5 << 20)
    const space = await seeded({ big })
    expect((await space.cli(['set', 'BIG', '--from-file', 'big'])).code).toBe(0)
    expect((await space.cli(['list'])).stdout).toContain(String(5 << 20))
    const { stdout } = await space.cli(['get', 'BIG', '--json'], { env: kms.env })
    expect(Buffer.from(JSON.parse(stdout).base64, 'base64').equals(big)).toBe(true)
  })
})

const line = (at: (lines: string[]) => string[]) => at(text.split('\n')).join('\n')
const entry = () => text.split('\n').findIndex((one) => one.includes('"A": "kms:v1:'))

describe('a malformed secrets file', () => {
  const cases: [string, () => string, () => RegExp][] = [
    [
      'conflict markers',
      () => line((lines) => [...lines.slice(0, entry()), '<<<<<<< HEAD', ...lines.slice(entry())]),
      () => new RegExp(`json:${entry() + 1}: an unfinished merge.*git checkout`),
    ],
    [
      'a name that stands twice',
      () =>
        line((lines) => [
          ...lines.slice(0, entry()),
          `${lines[entry()]},`,
          ...lines.slice(entry()),
        ]),
      () => new RegExp(`json:${entry() + 2}: "A" stands twice.*set it again`),
    ],
    [
      'an entry of another file',
      () => text.replace(/("A": "kms:v1:.{3}).{6}/, '$1AAAAAA'),
      () => new RegExp(`json:${entry() + 1}: secrets.A is sealed to .*none of dataKeyPairs.*set`),
    ],
    ['a cut file', () => text.slice(0, 300), () => /is not valid JSON.*git checkout/],
    [
      'an unknown field',
      () => text.replace('"version": 1', '"version": 1, "extra": 1'),
      () => /unknown field "extra"/,
    ],
  ]
  it.each(cases)(
    'exits with 4 and prints the line and what to do: %s',
    async (_, broken, message) => {
      const space = await workspace({ 'kms-secrets.json': broken() })
      for (const args of [
        ['set', 'B'],
        ['get', 'A'],
      ]) {
        const ran = await space.cli(args, { stdin: VALUE, env: kms.env })
        expect(ran).toMatchObject({ code: 4, stdout: '' })
        expect(ran.stderr).toMatch(message())
      }
      expect(await content(space)).toBe(broken())
    },
  )

  it('exits with 2 if it does not exist, and prints how to create one', async () => {
    const ran = await set(await workspace(), 'B')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain('unplugin-kms init')
  })
})

describe('a public key that was replaced', () => {
  const pair = localPair()
  const swapped = () => {
    const file = JSON.parse(text)
    const { privateKeyCiphertextBlobs } = file.dataKeyPairs[file.current]
    return {
      file,
      mine: { publicKey: pair.publicKey.toString('base64'), privateKeyCiphertextBlobs },
    }
  }

  it('is rejected with its old fingerprint', async () => {
    const { file, mine } = swapped()
    file.dataKeyPairs[file.current] = mine
    const ran = await set(await workspace({ 'kms-secrets.json': JSON.stringify(file) }), 'B')
    expect(ran).toMatchObject({ code: 4 })
    expect(ran.stderr).toContain(`fingerprint is ${fingerprintOf(pair.publicKey)}`)
  })

  it('is rejected with its new fingerprint, difference and commit, until --trust', async () => {
    const space = await seeded()
    await set(space, 'B')
    const { file, mine } = swapped()
    file.dataKeyPairs[pair.fingerprint] = mine
    file.current = pair.fingerprint
    const before = JSON.stringify(file)
    await writeFile(space.path('kms-secrets.json'), before)
    for (const args of [
      ['set', 'C'],
      ['import', '.env'],
      ['encrypt', '.'],
    ]) {
      await writeFile(space.path('.env'), 'X=some-value')
      const ran = await space.cli(args, { stdin: VALUE })
      expect(ran).toMatchObject({ code: 4 })
      expect(ran.stderr).toMatch(
        /\+ data key pair sha256:[0-9a-f]{64}\n[^]*remembered: sha256:[0-9a-f]{64}\n {2}in the file: sha256:[0-9a-f]{64}\n {2}changed by: /,
      )
      expect(await content(space)).toBe(before)
    }
    expect((await space.cli(['set', 'C', '--trust'], { stdin: VALUE })).code).toBe(0)
    expect((await set(space, 'D')).code).toBe(0)
  })

  it('is rejected by rotate, which compares it with the private key', async () => {
    const { file, mine } = swapped()
    file.dataKeyPairs = { [pair.fingerprint]: mine }
    file.current = pair.fingerprint
    file.secrets = {}
    const space = await workspace({ 'kms-secrets.json': JSON.stringify(file) })
    const ran = await space.cli(['rotate'], { env: kms.env })
    expect(ran).toMatchObject({ code: 4 })
    expect(ran.stderr).toContain('PAIR_MISMATCH')
  })

  it('is rejected by UNPLUGIN_KMS_PIN if it is set', async () => {
    const ran = await set(await seeded(), 'B', {
      env: { UNPLUGIN_KMS_PIN: `sha256:${'0'.repeat(64)}` },
    })
    expect(ran).toMatchObject({ code: 4 })
    expect(ran.stderr).toContain('PIN_MISMATCH')
  })
})

const refused = async (
  change: (file: { encryptionContext: object }) => void,
  env: Record<string, string> = kms.env,
) => {
  const file = JSON.parse(text)
  change(file)
  const space = await workspace({ 'kms-secrets.json': JSON.stringify(file) })
  const ran = await space.cli(['get', 'A', '--verbose'], { env })
  expect(ran).toMatchObject({ code: 3, stdout: '' })
  expect(ran.stderr).not.toMatch(/correct horse|\n {4}at /)
  return ran.stderr
}

describe('a command', () => {
  it('exits with 3 and the reason for a wrong context', async () => {
    expect(await refused((file) => (file.encryptionContext = { app: 'other' }))).toContain(
      'InvalidCiphertextException',
    )
  })

  it('exits with 3 and the reason for a key of another account', async () => {
    const foreign = 'arn:aws:kms:us-east-1:999999999999:key/11111111-2222-3333-4444-555555555555'
    const file = text.replaceAll(/arn:aws:kms:[^"]+/g, foreign)
    const space = await workspace({ 'kms-secrets.json': file })
    expect(await space.cli(['get', 'A'], { env: kms.env })).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`KMS denies kms:Decrypt.*${foreign}`)),
    })
  })

  it('exits with 3 and the reason for a role that may not decrypt', async () => {
    const user = kms.createUser({ name: 'nobody' })
    expect(await refused(() => {}, kms.envFor(user.credentials))).toMatch(
      /KMS denies kms:Decrypt.*key policy/,
    )
  })

  it('exits with 3 and the reason for a service that is not reachable', async () => {
    expect(
      await refused(() => {}, {
        ...kms.env,
        AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1',
        AWS_MAX_ATTEMPTS: '1',
      }),
    ).toContain('KMS_UNREACHABLE')
  })

  it.each([
    ['disabled', 'DisableKey', {}, 'DisabledException'],
    ['deleted', 'ScheduleKeyDeletion', { PendingWindowInDays: 7 }, 'KMSInvalidStateException'],
  ])('exits with 3 and the reason for a key that is %s', async (_, operation, input, reason) => {
    const { arn } = await kms.createKey()
    const space = await workspace()
    await space.cli(['init', '--key', arn], { env: kms.env })
    await set(space, 'A')
    await callKms(operation, { KeyId: arn, ...input })
    expect(await space.cli(['get', 'A'], { env: kms.env })).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining(reason),
    })
    expect(await space.cli(['rotate'], { env: kms.env })).toMatchObject({ code: 3 })
    expect((await set(space, 'B')).code).toBe(0)
  })
})

async function callKms(operation: string, input: object) {
  const sdk = await import('@aws-sdk/client-kms')
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL_KMS: endpoint,
  } = kms.env
  const client = new sdk.KMSClient({
    region: 'us-east-1',
    endpoint: endpoint!,
    credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
  })
  const Command = sdk[`${operation}Command` as 'DisableKeyCommand']
  await client.send(new Command(input as { KeyId: string }))
}

describe('a file that cannot be written', () => {
  // Root may write anywhere, unless it drops its capabilities.
  const wrapper =
    process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--'] : []
  const canDrop = !wrapper.length || spawnSync('setpriv', ['--version']).status === 0

  it.skipIf(!canDrop)(
    'is unchanged in a read-only folder (as root this needs setpriv)',
    async () => {
      const space = await seeded()
      await chmod(space.folder, 0o555)
      const ran = await set(space, 'B', { wrapper })
      expect(ran.code).toBe(4)
      expect(ran.stderr).toMatch(/FILE_UNWRITABLE/)
      expect(ran.stderr).toContain('no permission')
      expect(await content(space)).toBe(text)
    },
  )

  it.skipIf(!canDrop)('is unchanged if it is read-only in a writable folder', async () => {
    const space = await seeded({
      'src/a.ts': `import { secret } from 'unplugin-kms/secret'\nsecret('a literal')\n`,
    })
    await set(space, 'B')
    const before = await content(space)
    await chmod(space.path('kms-secrets.json'), 0o444)
    await chmod(space.path('src/a.ts'), 0o444)
    for (const args of [
      ['set', 'C'],
      ['unset', 'A'],
      ['encrypt', 'src'],
    ]) {
      const ran = await space.cli(args, { stdin: VALUE, wrapper })
      expect(ran).toMatchObject({ code: 4 })
      expect(ran.stderr).toMatch(/EACCES.*no permission.*FILE_UNWRITABLE/)
    }
    expect(await content(space)).toBe(before)
    expect(await readFile(space.path('src/a.ts'), 'utf8')).toContain('a literal')
  })

  it.skipIf(!canDrop)('is unchanged by merge and by import --delete', async () => {
    const space = await seeded({ 'kept/.env': 'B=a-value-of-b\n', 'kept/ours.json': text })
    await chmod(space.path('kept'), 0o555)
    const imported = await space.cli(['import', 'kept/.env', '--delete'], { wrapper })
    expect(imported).toMatchObject({ code: 0 })
    expect(imported.stderr).toContain('kept/.env is sealed but could not be deleted (EACCES)')
    const file = 'kms-secrets.json'
    const merged = await space.cli(['merge', file, 'kept/ours.json', file], { wrapper })
    expect(merged).toMatchObject({ code: 4, stderr: expect.stringContaining('FILE_UNWRITABLE') })
    expect(await readFile(space.path('kept/ours.json'), 'utf8')).toBe(text)
    await chmod(space.path('kept'), 0o755)
  })

  const canMount =
    spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

  it.skipIf(!canMount)(
    'is unchanged if the disk is full (needs unshare, to mount a small one)',
    async () => {
      const space = await seeded({ big: randomBytes(200_000), 'full/x': '' })
      const script =
        'mount -t tmpfs -o size=64k none full && cp kms-secrets.json full && "$@"; echo "ended with $?"; ls full; cat full/kms-secrets.json'
      const ran = await space.cli(
        ['set', 'B', '--from-file', 'big', '-f', 'full/kms-secrets.json'],
        {
          wrapper: ['unshare', '-rm', 'sh', '-c', script, 'sh'],
        },
      )
      expect(ran.stdout).toBe(`ended with 4\nkms-secrets.json\n${text}`)
      expect(ran.stderr).toMatch(/ENOSPC.*the disk is full/)
    },
  )

  it('causes only a warning if it is in the state folder', async () => {
    const space = await seeded()
    await mkdir(space.env.XDG_STATE_HOME!, { recursive: true })
    await writeFile(`${space.env.XDG_STATE_HOME}/unplugin-kms`, 'a file where the folder should be')
    const ran = await set(space, 'B')
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain('could not be remembered')
  })
})
