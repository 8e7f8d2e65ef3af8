import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { readSecretsFile } from '../../src/secrets-file/parse.js'
import { pairOf } from '../../src/secrets-file/scopes.js'
import { getSecrets } from '../../src/secrets/get.js'
import { setSecret } from '../../src/secrets/set.js'
import { shareOf } from '../support/combinations.js'
import { CIPHERTEXTS, DIFFICULT, isText } from '../support/difficult-values.js'
import { workspace, type Workspace } from './cli.js'
import { inTerminal } from './in-terminal.js'

let kms: LocalKms
let seed: string
beforeAll(async () => {
  kms = await startLocalKms()
  const { arn } = await kms.createKey()
  const space = await workspace()
  await space.cli(['init', '--key', arn], { env: kms.env })
  await space.cli(['set', 'A'], { stdin: 'value of a' })
  await space.cli(['set', 'B'], { stdin: "it's $value #of b" })
  seed = await readFile(space.path('kms-secrets.json'), 'utf8')
})
afterAll(() => kms.close())

const seeded = (files: Record<string, string | Uint8Array> = {}) =>
  workspace({ 'kms-secrets.json': seed, ...files })

async function valuesOf(space: Workspace, ...names: string[]): Promise<Record<string, string>> {
  const { accessKeyId, secretAccessKey } = kms.admin.credentials
  const values = await getSecrets(names, {
    secretsFile: space.path('kms-secrets.json'),
    aws: { endpoint: kms.url, region: kms.region, credentials: { accessKeyId, secretAccessKey } },
  })
  return Object.fromEntries(
    [...values].map(([name, value]) => [name, Buffer.from(value).toString()]),
  )
}

const show = [
  'node',
  '-e',
  'console.log(JSON.stringify([process.env.A, process.env.B, process.env.NODE_OPTIONS])); process.exit(3)',
]

describe('run', () => {
  it('sets the values for the child only, with one kms:Decrypt, and exits as it does', async () => {
    const space = await seeded()
    const before = kms.journal.length
    const { code, stdout } = await space.cli(['run', '--', ...show], { env: kms.env })
    expect([code, JSON.parse(stdout)]).toEqual([3, ['value of a', "it's $value #of b", null]])
    expect(kms.journal.slice(before).map(({ operation }) => operation)).toEqual(['Decrypt'])
  })

  it('decrypts only the entries that --only names', async () => {
    const { stdout } = await (
      await seeded()
    ).cli(['run', '--only', 'B', '--', ...show], { env: kms.env })
    expect(JSON.parse(stdout)).toEqual([null, "it's $value #of b", null])
  })

  it('leaves out variables that change which code runs, and names that cannot be variables', async () => {
    const space = await seeded()
    await space.cli(['set', 'NODE_OPTIONS'], { stdin: '--import ./x.mjs' })
    await space.cli(['set', 'a name'], { stdin: 'value of a test' })
    const { code, stderr } = await space.cli(['run', '--', ...show], { env: kms.env })
    expect([code, stderr]).toEqual([
      3,
      expect.stringContaining('not in the environment: NODE_OPTIONS, a name'),
    ])
    const only = await space.cli(['run', '--only', 'a name', '--', ...show], { env: kms.env })
    expect([only.code, only.stderr]).toEqual([2, expect.stringContaining('NAME_INVALID')])
  })
})

describe('export', () => {
  it('prints a dotenv file that import reads back', async () => {
    const space = await seeded()
    const { stdout } = await space.cli(['export'], { env: kms.env })
    expect(stdout).toBe(`A='value of a'\nB="it's $value #of b"\n`)
    await writeFile(space.path('.env'), stdout)
    expect(await space.cli(['import', '.env'])).toMatchObject({ code: 0 })
    expect(await valuesOf(space, 'B')).toEqual({ B: "it's $value #of b" })
  })

  it('prints shell commands that a shell evaluates to the same values', async () => {
    const space = await seeded()
    const difficult = Object.values(DIFFICULT).filter(
      (value): value is string =>
        isText(value) &&
        value.isWellFormed() &&
        !/^(?:\ufeff|.*\0)/s.test(value) &&
        value.length < 1000,
    )
    const value = difficult
      .filter((each) => !/^(?:encrypted:|ENC\[|\$ANSIBLE|-----BEGIN|AQICAH|vault:|kms:)/.test(each))
      .join('|')
    await space.cli(['set', 'A', '--from-file', 'a'], {})
    await writeFile(space.path('a'), value)
    await space.cli(['set', 'A', '--from-file', 'a'])
    const { stdout } = await space.cli(['export', '--format', 'shell'], { env: kms.env })
    const ran = spawnSync('sh', ['-c', `${stdout}\nprintf %s "$A"`], { encoding: 'utf8' })
    expect(ran.stdout).toBe(value)
  })

  it('prints JSON, with base64 for bytes, and rejects bytes elsewhere', async () => {
    const space = await seeded({ raw: Buffer.from('fffe00', 'hex') })
    await space.cli(['set', 'RAW', '--from-file', 'raw'])
    const { stdout } = await space.cli(['export', '--format', 'json'], { env: kms.env })
    expect(JSON.parse(stdout)).toEqual({
      A: 'value of a',
      B: "it's $value #of b",
      RAW: { base64: '//4A' },
    })
    expect((await space.cli(['export'], { env: kms.env })).code).toBe(2)
    expect((await space.cli(['export', 'A'], { env: kms.env })).stdout).toBe(`A='value of a'\n`)
  })
})

describe('edit', () => {
  /** An editor that is a script; `$1` is the file. */
  async function edited(script: string, signal?: string) {
    const space = await seeded({ 'editor.sh': `#!/bin/sh\n${script}\n` })
    await chmod(space.path('editor.sh'), 0o755)
    const tmp = space.path('tmp')
    await seedFolder(tmp)
    const env = {
      ...kms.env,
      EDITOR: './editor.sh',
      TMPDIR: tmp,
      XDG_RUNTIME_DIR: tmp,
      LOG: space.path('log'),
    }
    const ran = await space.cli(['edit'], { env, ...(signal && { nodeOptions: [] }) })
    const log = await readFile(space.path('log'), 'utf8').catch(() => '')
    const [path = ''] = log.split('\n')
    const left = await readdir(path ? path.replace(/\/[^/]*$/, '') : tmp).catch(() => [])
    return { space, ran, log, left }
  }
  const seedFolder = (path: string) => import('node:fs/promises').then(({ mkdir }) => mkdir(path))

  it('seals only what changed, adds and deletes, and removes the plaintext file', async () => {
    const script = `echo "$1" > "$LOG"; stat -c %a "$1" >> "$LOG"; stat -f -c %T "$1" >> "$LOG"
sed -i -e "s/^A=.*/A='a#new value'/" -e '/^B=/d' "$1"; echo 'C="of c"' >> "$1"`
    const { space, ran, log, left } = await edited(script)
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/added C\nreplaced A\ndeleted B\nin .*kms-secrets\.json\n/),
    })
    expect(await valuesOf(space, 'A', 'C')).toEqual({ A: 'a#new value', C: 'of c' })
    expect(log.split('\n')[1]).toBe('600')
    expect(left).toEqual([])
  })

  /** What edit rejects. The table's other strings are sealed unchanged. */
  const REJECTED: Record<string, string> = {
    ...Object.fromEntries(CIPHERTEXTS.map((name) => [name, 'CIPHERTEXT_FOREIGN'])),
    'a sealed token': 'TOKEN_INVALID',
    'a byte order mark in front': 'PLAINTEXT_ENCODING',
    'a carriage return': 'DOTENV_AMBIGUOUS',
    'a Windows line break': 'DOTENV_AMBIGUOUS',
  }
  const TYPED = Object.keys(DIFFICULT).filter(
    (name) => isText(DIFFICULT[name]!) && name !== 'a lone surrogate',
  )

  /** Types lines at the end of the file. A value is in quotes that it does not contain. */
  async function typed(names: string[]) {
    const lines = names.map((name) => {
      const value = DIFFICULT[name] as string
      const quote = ["'", '"', '`'].find((each) => !value.includes(each)) ?? ''
      return `V${TYPED.indexOf(name)}=${quote}${value}${quote}\n`
    })
    const space = await seeded({
      'editor.sh': '#!/bin/sh\ncat lines >> "$1"\n',
      lines: lines.join(''),
    })
    await chmod(space.path('editor.sh'), 0o755)
    const env = { ...kms.env, EDITOR: './editor.sh', XDG_RUNTIME_DIR: space.folder }
    return { space, ran: await space.cli(['edit'], { env }) }
  }

  it('seals difficult values that were typed, unchanged', async () => {
    const names = TYPED.filter((name) => !(name in REJECTED))
    expect(names.length).toBeGreaterThan(30)
    const { space, ran } = await typed(names)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    const entries = names.map((name) => `V${TYPED.indexOf(name)}`)
    expect(await valuesOf(space, ...entries)).toEqual(
      Object.fromEntries(names.map((name, index) => [entries[index], DIFFICULT[name]])),
    )
  })

  it.each(
    shareOf(
      TYPED.filter((name) => name in REJECTED),
      0,
      4,
    ),
  )('rejects %s that was typed', async (name) => {
    const { space, ran } = await typed([name])
    expect([2, 4]).toContain(ran.code)
    expect(ran.stderr).toMatch(new RegExp(`^error: [^\\n]+\\[${REJECTED[name]}\\]\\n$`))
    expect(await readFile(space.path('kms-secrets.json'), 'utf8')).toBe(seed)
  })

  it('keeps every difficult value that was not edited', async () => {
    const space = await seeded({ 'editor.sh': `#!/bin/sh\nsed -i "s/^A=.*/A='changed'/" "$1"\n` })
    await chmod(space.path('editor.sh'), 0o755)
    const values = Object.entries(DIFFICULT).filter(
      ([name]) => name !== 'a lone surrogate' && !CIPHERTEXTS.includes(name),
    )
    const secretsFile = space.path('kms-secrets.json')
    for (const [index, [, value]] of values.entries())
      await setSecret(`D${index}`, Buffer.from(value), { secretsFile })
    const tokens = async () =>
      (JSON.parse(await readFile(secretsFile, 'utf8')) as { secrets: Record<string, string> })
        .secrets
    const { A: _, ...before } = await tokens()
    const env = { ...kms.env, EDITOR: './editor.sh', XDG_RUNTIME_DIR: space.folder }
    const { code, stdout } = await space.cli(['edit'], { env })
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^replaced A\nin /)])
    expect(await tokens()).toMatchObject(before)
  })

  it('keeps the token of a value that was not changed', async () => {
    const { space } = await edited(`sed -i "s/^A=.*/A='another value'/" "$1"`)
    const line = (text: string) =>
      text
        .split('\n')
        .find((each) => each.includes('"B"'))!
        .replace(/,$/, '')
    expect(line(await readFile(space.path('kms-secrets.json'), 'utf8'))).toBe(line(seed))
  })

  it('changes nothing if the file was not edited', async () => {
    const { space, ran } = await edited('true')
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('is unchanged')])
    expect(await readFile(space.path('kms-secrets.json'), 'utf8')).toBe(seed)
  })

  it.each([
    ['the editor fails', 'exit 1', 'ARGUMENT_INVALID'],
    ['a value is ambiguous', `echo "C=it's#horse" >> "$1"`, 'DOTENV_AMBIGUOUS'],
    [
      'a value is the ciphertext of another tool',
      `echo "C='ENC[AES256_GCM,data:abc,type:str]'" >> "$1"`,
      'CIPHERTEXT_FOREIGN',
    ],
    ['a value is empty', `echo "C=" >> "$1"`, 'DOTENV_AMBIGUOUS'],
  ])('changes nothing if %s, and removes the plaintext file', async (_, script, code) => {
    const { space, ran, left } = await edited(`echo "$1" > "$LOG"\n${script}`)
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(code)])
    expect(ran.stderr).not.toContain('horse')
    expect(await readFile(space.path('kms-secrets.json'), 'utf8')).toBe(seed)
    expect(left).toEqual([])
  })

  it('removes the plaintext file when a signal ends it', async () => {
    const { ran, left } = await edited(
      [
        'echo "$1" > "$LOG"; p=$PPID',
        // A shell may stand between the editor and the command.
        '[ "$(basename "$(readlink /proc/$p/exe)")" = node ] || p=$(ps -o ppid= -p $p)',
        'kill -TERM $p; sleep 1',
      ].join('\n'),
    )
    expect(ran.signal).toBe('SIGTERM')
    expect(left).toEqual([])
  })
})

describe('with entries of two scopes', () => {
  async function scoped(files: Record<string, string> = {}) {
    const { arn } = await kms.createKey()
    const space = await seeded(files)
    const context = ['--context', 'app=shop', '--context', 'scope=billing']
    const init = ['init', '--scope', 'billing', '--key', arn, ...context]
    expect(await space.cli(init, { env: kms.env })).toMatchObject({ code: 0 })
    const set = ['set', 'CARD', '--scope', 'billing']
    expect(await space.cli(set, { stdin: 'value of card' })).toMatchObject({ code: 0 })
    return space
  }

  it('run and export decrypt both, with one kms:Decrypt per scope', async () => {
    const space = await scoped()
    const before = kms.journal.length
    const print = ['node', '-e', 'console.log(process.env.A, process.env.CARD)']
    const ran = await space.cli(['run', '--', ...print], { env: kms.env })
    expect([ran.code, ran.stdout]).toEqual([0, 'value of a value of card\n'])
    const calls = kms.journal.slice(before).map(({ operation }) => operation)
    expect(calls).toEqual(['Decrypt', 'Decrypt'])
    const exported = await space.cli(['export', '--format', 'json'], { env: kms.env })
    expect(JSON.parse(exported.stdout)).toMatchObject({ A: 'value of a', CARD: 'value of card' })
  })

  it('run --only asks KMS for the scope of its entries only', async () => {
    const space = await scoped()
    const before = kms.journal.length
    const only = ['run', '--only', 'CARD', '--', 'true']
    expect(await space.cli(only, { env: kms.env })).toMatchObject({ code: 0 })
    expect(kms.journal.slice(before)).toMatchObject([
      { operation: 'Decrypt', encryptionContext: { app: 'shop', scope: 'billing' } },
    ])
  })

  it('edit seals a changed value to the scope that it had', async () => {
    const script = `#!/bin/sh\nsed -i "s/^CARD=.*/CARD='another card'/" "$1"\n`
    const space = await scoped({ 'editor.sh': script })
    await chmod(space.path('editor.sh'), 0o755)
    const env = { ...kms.env, EDITOR: './editor.sh', XDG_RUNTIME_DIR: space.folder }
    expect(await space.cli(['edit'], { env })).toMatchObject({ code: 0 })
    expect(await valuesOf(space, 'CARD')).toEqual({ CARD: 'another card' })
    const file = (await readSecretsFile(space.path('kms-secrets.json')))!
    expect(pairOf(file, file.secrets.get('CARD')!).scope).toBe('billing')
    expect(pairOf(file, file.secrets.get('A')!).scope).toBe('default')
  })
})

describe('diff', () => {
  it('compares names and generations, and shows no value', async () => {
    const space = await seeded()
    const { arn } = await kms.createKey()
    await space.cli(['init', '--key', arn, '--file', 'b.json'], { env: kms.env })
    await space.cli(['set', 'A', '--file', 'b.json'], { stdin: 'another value' })
    await space.cli(['set', 'C', '--file', 'b.json'], { stdin: 'another value' })
    const { code, stdout } = await space.cli(['diff', 'kms-secrets.json', 'b.json'])
    expect([code, stdout]).toEqual([1, '- B  only in kms-secrets.json\n+ C  only in b.json\n'])
    expect(await space.cli(['diff', 'b.json', 'b.json'])).toMatchObject({ code: 0, stdout: '' })
  })

  it('names entries that were sealed again, and those of an earlier data key pair', async () => {
    const space = await seeded({ 'old.json': seed })
    await space.cli(['set', 'A'], { stdin: 'another value' })
    expect((await space.cli(['diff', 'old.json', 'kms-secrets.json'])).stdout).toBe(
      '~ A  sealed again\n',
    )
  })
})

describe('set --generate', () => {
  it.each([
    [['--generate'], /^[A-Za-z0-9]{32}$/],
    [['--generate', '12'], /^[A-Za-z0-9]{12}$/],
    [['--generate', 'hex'], /^[0-9a-f]{64}$/],
    [['--generate', 'uuid'], /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ])('%j seals a random value and prints nothing', async (flags, pattern) => {
    const space = await seeded()
    const ran = await space.cli(['set', 'NEW', ...flags])
    expect(ran).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await valuesOf(space, 'NEW')).NEW).toMatch(pattern)
  })

  it.each([['4'], ['words'], ['99999']])('rejects %s', async (kind) => {
    const ran = await (await seeded()).cli(['set', 'NEW', '--generate', kind])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('ARGUMENT_INVALID')])
  })
})

it('textconv makes git diff show which entry changed, without a value', async () => {
  const space = await seeded()
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: space.folder,
      env: space.env,
      encoding: 'utf8',
    })
  git('init', '-q')
  expect(await space.cli(['textconv', '--install'])).toMatchObject({ code: 0 })
  expect(git('config', 'diff.unplugin-kms.textconv').trim()).toBe('npx unplugin-kms textconv')
  git('config', 'diff.unplugin-kms.textconv', space.command(['textconv']).join(' '))
  git('add', '-A')
  git('commit', '-qm', 'a')
  await space.cli(['set', 'A'], { stdin: 'another value' })
  const changed = git('diff')
    .split('\n')
    .filter((line) => /^[+-]\w/.test(line))
  expect(changed).toEqual([
    expect.stringMatching(/^-A {2}10 B {2}pair/),
    expect.stringMatching(/^\+A {2}13 B {2}pair/),
  ])
})

const isInstalled = (command: string) => spawnSync(command, ['--version']).status === 0

describe('completion (fish and zsh are skipped where they are not installed)', () => {
  it.each(['bash', 'zsh', 'fish', 'powershell'])(
    'of %s lists commands and options',
    async (shell) => {
      const { code, stdout } = await (await workspace()).cli(['completion', shell])
      expect(code).toBe(0)
      for (const word of ['rotate', 'from-file', 'completion']) expect(stdout).toContain(word)
    },
  )

  it('of bash completes a command and an option', async () => {
    const { stdout } = await (await workspace()).cli(['completion', 'bash'])
    const complete = (...words: string[]) =>
      spawnSync(
        'bash',
        [
          '-c',
          `${stdout}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _unplugin_kms; echo "\${COMPREPLY[@]}"`,
          'bash',
          ...words,
        ],
        { encoding: 'utf8' },
      ).stdout.trim()
    expect(complete('unplugin-kms', 'rot')).toBe('rotate')
    expect(complete('unplugin-kms', 'set', 'A', '--from')).toBe('--from-file')
    expect(complete('npx', 'unplugin-kms', 'ini')).toBe('init')
  })

  it.skipIf(!isInstalled('fish'))('of fish completes commands and options', async () => {
    const space = await workspace()
    const { stdout } = await space.cli(['completion', 'fish'])
    const complete = (line: string) =>
      spawnSync('fish', ['--no-config', '-c', `${stdout}\ncomplete -C '${line}'`], {
        encoding: 'utf8',
        env: space.env,
      }).stdout
    expect(complete('unplugin-kms rot')).toMatch(/^rotate\t/m)
    expect(complete('unplugin-kms set A --from')).toMatch(/^--from-file\b/m)
  })

  it.skipIf(!isInstalled('zsh') || !isInstalled('python3'))(
    'of zsh completes commands and options',
    async () => {
      const space = await workspace()
      const { stdout } = await space.cli(['completion', 'zsh'])
      await writeFile(
        space.path('rc.zsh'),
        `autoload -U compinit && compinit -u -D\n${stdout}\nunplugin-kms() { print "called: $*;" }\nprint complete\n`,
      )
      const zsh = { ...space, command: () => ['zsh', '-f', '-i'] }
      const { output } = await inTerminal(
        zsh,
        [],
        [
          ['> ', 'source ./rc.zsh\r'],
          ['complete\r\n', 'unplugin-kms rot\t\r'],
          ['called: rotate;', 'unplugin-kms set A --from-f\t\r'],
          ['called: set A --from-file;', 'exit\r'],
        ],
        { PS1: '> ' },
      )
      expect(output).toContain('called: set A --from-file;')
    },
  )
})
