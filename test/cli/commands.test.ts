import { execFileSync } from 'node:child_process'
import { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { createSecretsFile, workspace, type Workspace } from './cli.js'

const VALUE = 'correct horse battery staple'
let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey({ alias: 'alias/orders' })).arn
})
afterAll(() => kms.close())

async function initialised(files: Record<string, string> = {}): Promise<Workspace> {
  const space = await workspace(files)
  const encryptionContext = { app: 'orders' }
  await createSecretsFile(space, kms, { keyIds: ['alias/orders'], encryptionContext })
  return space
}
/** Installs the merge driver, with this program in the place of npx. */
async function mergeByEntry(space: Workspace) {
  expect(await space.cli(['merge', '--install'])).toMatchObject({ code: 0 })
  const config = (...args: string[]) =>
    execFileSync('git', ['config', 'merge.unplugin-kms.driver', ...args], {
      cwd: space.folder,
      env: space.env,
      encoding: 'utf8',
    })
  const driver = config().trim()
  expect(driver).toBe('npx unplugin-kms merge %O %A %B %P')
  config(driver.replace('npx unplugin-kms merge', space.command(['merge']).join(' ')))
}
const fileOf = async ({ path }: Workspace) =>
  JSON.parse(await readFile(path('kms-secrets.json'), 'utf8'))

describe('init', () => {
  it('creates the pair in KMS, resolves the alias to the key ARN, and prints the pin', async () => {
    const before = kms.journal.length
    const space = await workspace()
    const { code, stdout } = await space.cli(
      ['init', '--key', 'alias/orders', '--context', 'app=orders'],
      { env: kms.env },
    )
    expect(code).toBe(0)
    expect(kms.journal.slice(before).map(({ operation }) => operation)).toEqual([
      'GenerateDataKeyPairWithoutPlaintext',
    ])
    expect(stdout).toContain(key)
    expect(stdout).toMatch(/pin: 'sha256:[0-9a-f]{64}'/)
    const file = await fileOf(space)
    expect(file).toMatchObject({ version: 1, encryptionContext: { app: 'orders' }, secrets: {} })
    expect(file.dataKeyPairs[file.current].privateKeyCiphertextBlobs[0].keyId).toBe(key)
  })

  it('installs the merge driver on request, and declares the names in a TypeScript project', async () => {
    const space = await workspace({ 'tsconfig.json': '{}' })
    execFileSync('git', ['init', '-q'], { cwd: space.folder, env: space.env })
    const made = await space.cli(['init', '--key', key, '--merge-driver'], { env: kms.env })
    expect(made.stdout).toMatch(/git merges it by entry: commit .*\.gitattributes/)
    expect(await readFile(space.path('.gitattributes'), 'utf8')).toBe(
      'kms-secrets.json merge=unplugin-kms\n',
    )
    await space.cli(['set', 'DB_PASSWORD'], { stdin: VALUE })
    expect(await readFile(space.path('kms-secrets.d.ts'), 'utf8')).toContain('"DB_PASSWORD": true')
  })

  it('does not overwrite a file, even a malformed one', async () => {
    const space = await workspace({ 'kms-secrets.json': '<<<<<<< ours\n' })
    const { code, stderr } = await space.cli(['init', '--key', key], { env: kms.env })
    expect(code).toBe(2)
    expect(stderr).toContain('SECRETS_FILE_EXISTS')
    expect(await readFile(space.path('kms-secrets.json'), 'utf8')).toBe('<<<<<<< ours\n')
  })

  it('wraps the pair under each of several unrelated keys', async () => {
    const other = await kms.createKey({ region: 'eu-west-1' })
    const space = await workspace()
    const made = await space.cli(['init', '--key', key, '--key', other.arn, '--json'], {
      env: kms.env,
    })
    expect(JSON.parse(made.stdout).keyArns).toEqual([key, other.arn])
    await space.cli(['set', 'A'], { stdin: VALUE })
    const only = await space.cli(['get', 'A'], { env: kms.env })
    expect(only.stdout).toBe(VALUE)
  })

  it('shares one blob between the regions of a multi-Region key', async () => {
    const primary = (await kms.createKey({ multiRegion: true })).arn
    const { KMSClient, ReplicateKeyCommand } = await import('@aws-sdk/client-kms')
    const { accessKeyId, secretAccessKey } = kms.admin.credentials
    const client = new KMSClient({
      region: 'us-east-1',
      endpoint: kms.url,
      credentials: { accessKeyId, secretAccessKey },
    })
    await client.send(new ReplicateKeyCommand({ KeyId: primary, ReplicaRegion: 'eu-west-1' }))
    const replica = primary.replace('us-east-1', 'eu-west-1')
    const space = await workspace()
    const before = kms.journal.length
    expect(
      await space.cli(['init', '--key', primary, '--key', replica], { env: kms.env }),
    ).toMatchObject({ code: 0 })
    expect(kms.journal.slice(before).map(({ operation }) => operation)).toEqual([
      'GenerateDataKeyPairWithoutPlaintext',
    ])
    const file = await fileOf(space)
    const [one, two] = file.dataKeyPairs[file.current].privateKeyCiphertextBlobs
    expect([one.keyId, two.keyId]).toEqual([primary, replica])
    expect(one.ciphertextBlob).toBe(two.ciphertextBlob)
  })

  it.each([
    ['a key that is not there', 'alias/nothing', 'NotFoundException'],
    [
      'a key of another account',
      'arn:aws:kms:us-east-1:999999999999:key/11111111-2222-3333-4444-555555555555',
      'KMS denies',
    ],
  ])('exits with 3 and writes nothing for %s', async (_, id, reason) => {
    const space = await workspace()
    const { code, stderr } = await space.cli(['init', '--key', id], { env: kms.env })
    expect(code).toBe(3)
    expect(stderr).toMatch(new RegExp(reason))
    await expect(stat(space.path('kms-secrets.json'))).rejects.toThrow('ENOENT')
  })
})

describe('set, get, list, unset and rename', () => {
  it('seal without AWS, and decrypt with AWS', async () => {
    const space = await initialised()
    expect(await space.cli(['set', 'DB_PASSWORD'], { stdin: `${VALUE}\n` })).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await space.cli(['get', 'DB_PASSWORD'], { env: kms.env })).toEqual({
      code: 0,
      signal: null,
      stdout: VALUE,
      stderr: '',
    })
    const { stdout } = await space.cli(['list', '--json'])
    expect(JSON.parse(stdout)).toEqual([
      {
        name: 'DB_PASSWORD',
        size: VALUE.length,
        fingerprint: (await fileOf(space)).current,
        stale: false,
      },
    ])
    expect((await space.cli(['rename', 'DB_PASSWORD', 'DB'], { env: kms.env })).code).toBe(0)
    expect((await space.cli(['get', 'DB'], { env: kms.env })).stdout).toBe(VALUE)
    expect((await space.cli(['unset', 'DB'])).code).toBe(0)
    expect((await fileOf(space)).secrets).toEqual({})
  })

  it('change one line: setting an entry does not change other lines', async () => {
    const space = await initialised()
    for (const name of ['B', 'C', 'A']) await space.cli(['set', name], { stdin: name })
    const before = (await readFile(space.path('kms-secrets.json'), 'utf8')).split('\n')
    await space.cli(['set', 'B'], { stdin: 'another' })
    const after = (await readFile(space.path('kms-secrets.json'), 'utf8')).split('\n')
    expect(after.map((line, index) => line === before[index]).filter((same) => !same)).toHaveLength(
      1,
    )
    expect(before).toHaveLength(after.length)
  })

  it('keep several lines from stdin and bytes from a file unchanged', async () => {
    const pem = '-----BEGIN KEY-----\nabc\n-----END KEY-----'
    const bytes = Buffer.from([0, 255, 10, 13, 10])
    const space = await initialised()
    await space.cli(['set', 'PEM'], { stdin: `${pem}\n` })
    await writeFile(space.path('raw'), bytes)
    expect((await space.cli(['set', 'RAW', '--from-file', 'raw'])).stderr).toContain("'bytes'")
    expect((await space.cli(['get', 'PEM'], { env: kms.env })).stdout).toBe(pem)
    expect(
      JSON.parse((await space.cli(['get', 'RAW', '--json'], { env: kms.env })).stdout),
    ).toEqual({ name: 'RAW', base64: bytes.toString('base64') })
  })

  it('keep stages apart by --file', async () => {
    const space = await initialised()
    expect(
      (await space.cli(['init', '--key', key, '--file', 'staging.json'], { env: kms.env })).code,
    ).toBe(0)
    await space.cli(['set', 'A', '-f', 'staging.json'], { stdin: 'x' })
    expect((await fileOf(space)).secrets).toEqual({})
    expect((await space.cli(['list', '--file', 'staging.json'])).stdout).toContain('A')
    // Builds differ by one option.
    await writeFile(
      space.path('a.ts'),
      `import { secret } from 'unplugin-kms/secret'\nexport const a = secret.named('A')\n`,
    )
    const build = (...args: string[]) => space.cli(['build', 'a.ts', '--outdir', 'dist', ...args])
    expect(await build('--file', 'staging.json')).toMatchObject({ code: 0 })
    const prod = await build()
    expect(prod).toMatchObject({ code: 2, stderr: expect.stringContaining('NAME_UNKNOWN') })
  })
})

describe('import', () => {
  it('reads some or all names of a dotenv file, and deletes it on request', async () => {
    const space = await initialised({
      '.env': `A=${VALUE}\nB="two\\nlines"\nEMPTY=\nexport C='single'\n`,
    })
    expect((await space.cli(['import', '.env', 'A'])).stdout).toContain('1 added')
    const all = await space.cli(['import', '.env', '--delete'])
    expect(all.stdout).toMatch(/2 added, 1 replaced/)
    expect(all.stderr).toContain('EMPTY')
    await expect(stat(space.path('.env'))).rejects.toThrow('ENOENT')
    expect((await space.cli(['get', 'B'], { env: kms.env })).stdout).toBe('two\nlines')
  })

  it('keeps the file if a value was cut at a "#", and names it', async () => {
    const space = await initialised({ '.env': 'A=half#other-half\n' })
    const { stderr } = await space.cli(['import', '.env', '--delete'])
    expect(stderr).toContain('A in .env is cut')
    expect(stderr).not.toContain('other-half')
    expect((await stat(space.path('.env'))).isFile()).toBe(true)
  })
})

describe('encrypt and decrypt', () => {
  const source = `import { secret } from 'unplugin-kms/secret'\nexport const a = secret('${VALUE}')\n`

  it('seal the literals of the sources and decrypt them again', async () => {
    const space = await initialised({ 'src/a.ts': source, 'src/b.ts': 'export const b = 1\n' })
    const check = await space.cli(['encrypt', '--check', 'src'])
    expect(check).toMatchObject({ code: 1 })
    expect(check.stdout).toMatch(/^src\/a\.ts:2:18 {2}plaintext\n1 plaintext literal in 1 file\n$/)
    const sealed = await space.cli(['encrypt', 'src'])
    expect(sealed).toMatchObject({ code: 0 })
    expect(sealed.stderr).toContain('git history')
    expect(await readFile(space.path('src/a.ts'), 'utf8')).toMatch(/secret\('kms:v1:[\w-]+'\)\n$/)
    expect((await space.cli(['encrypt', '--check', 'src'])).code).toBe(0)
    expect((await space.cli(['decrypt', 'src'], { env: kms.env })).code).toBe(0)
    expect(await readFile(space.path('src/a.ts'), 'utf8')).toBe(source)
  })

  it('fail if the project has one secrets file per stage, and suggest set', async () => {
    const space = await initialised({ 'src/a.ts': source })
    await space.cli(['init', '--key', key, '--file', 'staging.json'], { env: kms.env })
    const { code, stderr } = await space.cli(['encrypt', 'src'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/unplugin-kms set NAME --file/)
    expect(await readFile(space.path('src/a.ts'), 'utf8')).toBe(source)
  })
})

describe('rotate and rewrap', () => {
  it('rotate seals everything to a new pair; --prune drops the old one when it is unused', async () => {
    const space = await initialised({
      'src/a.ts': `import { secret } from 'unplugin-kms/secret'\nsecret('${VALUE}')\n`,
    })
    await space.cli(['set', 'A'], { stdin: VALUE })
    await space.cli(['encrypt', 'src'])
    const old = (await fileOf(space)).current
    const rotated = await space.cli(['rotate', 'src'], { env: kms.env })
    expect(rotated).toMatchObject({ code: 0 })
    expect(rotated.stderr).toContain('does not help against a value that leaked')
    const file = await fileOf(space)
    expect(file.current).not.toBe(old)
    expect(Object.keys(file.dataKeyPairs)).toHaveLength(2)
    expect((await space.cli(['get', 'A'], { env: kms.env })).stdout).toBe(VALUE)
    expect((await space.cli(['list'])).stdout).not.toContain('stale')
    expect((await space.cli(['rotate', '--prune'])).stdout).toBe(`dropped ${old}\n`)
    expect((await space.cli(['decrypt', 'src'], { env: kms.env })).code).toBe(0)
    expect(await readFile(space.path('src/a.ts'), 'utf8')).toContain(VALUE)
  })

  it('--prune keeps a pair that an open branch uses', async () => {
    const space = await initialised({
      'b.ts': `import { secret } from 'unplugin-kms/secret'\nexport const b = secret.named('B')\n`,
    })
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        cwd: space.folder,
        env: space.env,
      })
    await space.cli(['set', 'A'], { stdin: VALUE })
    git('init', '-qb', 'main')
    git('add', '.')
    git('commit', '-qm', 'one')
    git('branch', 'feature')
    await space.cli(['rotate'], { env: kms.env })
    git('commit', '-qam', 'two')
    git('checkout', '-q', 'feature')
    await space.cli(['set', 'B'], { stdin: 'of the branch' })
    git('commit', '-qam', 'B')
    git('checkout', '-q', 'main')
    const kept = await space.cli(['rotate', '--prune'])
    expect(kept.stdout).toContain('branch feature: kms-secrets.json')
    // An entry that a branch added late: it can be decrypted, list shows it, and a second run seals it again.
    await mergeByEntry(space)
    git('merge', '-q', '--no-edit', 'feature')
    expect((await space.cli(['list'])).stdout).toMatch(
      /^A .*[0-9a-f]{16}\nB .*[0-9a-f]{16} {2}stale\n/,
    )
    expect((await space.cli(['get', 'B'], { env: kms.env })).stdout).toBe('of the branch')
    expect(
      await space.cli(['build', 'b.ts', '--outdir', '../out'], { env: kms.env }),
    ).toMatchObject({
      code: 0,
    })
    expect((await space.cli(['rotate'], { env: kms.env })).stdout).toContain(
      'sealed again: 1 entry',
    )
    git('commit', '-qam', 'three')
    expect(Object.keys((await fileOf(space)).dataKeyPairs)).toHaveLength(2)
    git('branch', '-D', 'feature')
    expect((await space.cli(['rotate', '--prune'])).stdout).toContain('dropped')
  })

  it('rewrap changes KMS key and context without kms:Decrypt, and keeps the tokens', async () => {
    const other = await kms.createKey()
    const space = await initialised()
    await space.cli(['set', 'A'], { stdin: VALUE })
    const before = await fileOf(space)
    const called = kms.journal.length
    const { code, stderr } = await space.cli(
      ['rewrap', '--key', other.arn, '--context', 'app=billing'],
      { env: kms.env },
    )
    expect(code).toBe(0)
    expect(stderr).toContain('does not help against a value that leaked')
    expect(kms.journal.slice(called).map(({ operation }) => operation)).toEqual(['ReEncrypt'])
    const after = await fileOf(space)
    expect(after).toMatchObject({
      secrets: before.secrets,
      encryptionContext: { app: 'billing' },
      current: before.current,
    })
    expect(
      after.dataKeyPairs[after.current].privateKeyCiphertextBlobs.map(
        ({ keyId }: { keyId: string }) => keyId,
      ),
    ).toEqual([other.arn])
    expect((await space.cli(['get', 'A'], { env: kms.env })).stdout).toBe(VALUE)
  })

  it('rewrap rejects a key in another region, and says what to do', async () => {
    const far = await kms.createKey({ region: 'eu-west-1' })
    const space = await initialised()
    const { code, stderr } = await space.cli(['rewrap', '--key', far.arn], { env: kms.env })
    expect(code).toBe(2)
    expect(stderr).toContain('rotate --key')
  })
})

it('merge, as a git merge driver, merges entries that two branches added on a line', async () => {
  const space = await initialised()
  expect((await space.cli(['merge', '--install'])).code).toBe(2)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: space.folder,
      env: space.env,
      encoding: 'utf8',
    })
  git('init', '-qb', 'main')
  await mergeByEntry(space)
  git('add', '.')
  git('commit', '-qm', 'base')
  git('checkout', '-qb', 'feature')
  await space.cli(['set', 'A'], { stdin: 'of the branch' })
  git('commit', '-qam', 'A')
  git('checkout', '-q', 'main')
  await space.cli(['set', 'B'], { stdin: 'of main' })
  git('commit', '-qam', 'B')
  git('merge', '-q', '--no-edit', 'feature')
  expect(Object.keys((await fileOf(space)).secrets)).toEqual(['A', 'B'])
  expect((await space.cli(['get', 'A'], { env: kms.env })).stdout).toBe('of the branch')
})

describe('scan', () => {
  it('finds entries, variables and dotenv values in all encodings, and prints no value', async () => {
    const base64 = Buffer.from(VALUE).toString('base64')
    const space = await initialised({
      'dist/a.js': `x="${base64}"`,
      'dist/b/c.txt': 'variable-value',
      'dist/clean.js': '1',
      '.env': 'D=dotenv-value\n',
      'dist/d.map': '{"a":"dotenv-value"}',
    })
    await space.cli(['set', 'A'], { stdin: VALUE })
    const found = await space.cli(['scan', 'dist', '--env', 'V', '--env-file', '.env', '--json'], {
      env: { ...kms.env, V: 'variable-value' },
    })
    expect(found.code).toBe(1)
    expect(JSON.parse(found.stdout)).toEqual({
      files: 4,
      searched: 3,
      short: [],
      leaks: [
        { secret: 'A', encoding: 'base64', asset: 'a.js', place: '1:4', reading: '' },
        { secret: 'V', encoding: 'as it is', asset: 'b/c.txt', place: '1:1', reading: '' },
        { secret: 'D', encoding: 'as it is', asset: 'd.map', place: '1:7', reading: '' },
      ],
      leftovers: [],
    })
    expect(found.stdout + found.stderr).not.toMatch(/correct horse|variable-value|dotenv-value/)
  })

  it('finds a value in the name of a file, and does not print that name', async () => {
    const space = await workspace({ 'dist/a-variable-value.js': '1' })
    const found = await space.cli(['scan', 'dist', '--no-file', '--env', 'V'], {
      env: { V: 'variable-value' },
    })
    expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining('V (as it is) in •••') })
    expect(found.stdout + found.stderr).not.toContain('variable-value')
  })

  it('prints every place once, even if it can be decoded in several ways', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `${index}.js`)
    const space = await workspace(
      Object.fromEntries(names.map((name) => [`dist/${name}`, `"\\n"; x = 'variable-value'`])),
    )
    const { code, stdout } = await space.cli(['scan', 'dist', '--no-file', '--env', 'V'], {
      env: { V: 'variable-value' },
    })
    expect(code).toBe(1)
    expect(stdout.split('\n')).toEqual([
      ...names.sort().map((name) => `V (as it is) in ${name}:1:12`),
      '12 findings in 12 files; searched for 1 value',
      '',
    ])
  })

  it('finds a mark that was never transformed, and an import of the shim', async () => {
    const space = await workspace({
      'dist/a.js': "import { secret } from 'unplugin-kms/secret'\nsecret.env('V')",
      'dist/b.js': "import '@unplugin-kms/runtime/shim'",
    })
    expect(
      await space.cli(['scan', 'dist', '--no-file', '--env', 'V'], {
        env: { V: 'variable-value' },
      }),
    ).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /^a mark that was never transformed in a\.js\nan import of the shim, .* in b\.js\n2 findings in 2 files/,
      ),
    })
  })

  it('follows each link to a folder once, and skips a dangling link', async () => {
    const space = await workspace({ 'dist/a.js': '1', 'layer/b/c.js': 'variable-value' })
    await symlink('../layer', join(space.folder, 'dist/layer'))
    await symlink('../../layer/b/c.js', join(space.folder, 'layer/b/again.js'))
    await symlink('..', join(space.folder, 'layer/b/above'))
    await symlink('nowhere', join(space.folder, 'dist/gone.js'))
    const { code, stdout } = await space.cli(['scan', 'dist', '--no-file', '--env', 'V'], {
      env: { V: 'variable-value' },
    })
    expect(code).toBe(1)
    expect(stdout.split('\n')).toEqual([
      'V (as it is) in layer/b/again.js:1:1',
      'V (as it is) in layer/b/c.js:1:1',
      '2 findings in 3 files; searched for 1 value',
      '',
    ])
  })

  it('needs no AWS for variables and dotenv files, and exits with 0 without findings', async () => {
    const space = await workspace({ 'dist/a.js': 'fine' })
    expect(
      await space.cli(['scan', 'dist', '--no-file', '--env', 'V'], {
        env: { V: 'variable-value' },
      }),
    ).toMatchObject({ code: 0 })
  })
})
