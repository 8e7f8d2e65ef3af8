import { spawnSync } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { directCall } from '../../src/pipeline/emit/shim.js'
import { opened, sealed } from '../inspect/sealed.js'
import { KEY_ARN, localPair } from '../support/project.js'
import { createSecretsFile, workspace, type Workspace } from './cli.js'
import { inTerminal as runInTerminal } from './in-terminal.js'

const VALUE = 'correct horse battery staple'
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

/** Runs a command in a terminal, with the embedded KMS. */
const inTerminal = (space: Workspace, args: string[], steps?: [string, string][]) =>
  runInTerminal(space, args, steps, kms.env)

async function initialised(files: Record<string, string> = {}) {
  const space = await workspace(files)
  await createSecretsFile(space, kms, { keyIds: [key] })
  return space
}

describe.skipIf(!hasPython)('doctor on a terminal', () => {
  it('wraps its lines at 80 columns, but not the statements to copy', async () => {
    const space = await initialised()
    const { arn } = kms.createRole({ name: 'orders' })
    const { code, output } = await inTerminal(space, ['doctor', '--role', arn])
    expect(code, output).toBe(1)
    const lines = stripVTControlCharacters(output.slice(output.indexOf('WRONG'))).split('\r\n')
    const [said, [copied]] = [lines.slice(0, 2), lines.filter((line) => line.includes('"Sid"'))]
    expect(said).toEqual([
      `WRONG   role-action: no policy of ${arn} allows`,
      expect.stringMatching(/^ {8}kms:Decrypt \(nor do AWS/),
    ])
    expect(copied).toMatch(/^ +"Sid": "OpenSecrets",$/)
    const long = lines.filter((line) => line.length > 80 && / \S+ \S/.test(line.trim()))
    expect(long.every((line) => /->|"|^\S+ thing wrong/.test(line))).toBe(true)
  })
})

describe.skipIf(!hasPython)('inspect on a terminal', () => {
  it('prints a table, and below it the pairs with their secrets', async () => {
    const [one, other] = [localPair(), localPair(KEY_ARN.replace('us-east-1', 'eu-west-1'))]
    other.encryptionContext = { app: 'orders' }
    const space = await workspace({
      'dist/main.mjs': `const a = ${opened(one)}, b = ${opened(other)}
a("${await sealed(one)}", "FIRST"); b("${await sealed(other)}", "SECOND_OF_ALL"); a("${await sealed(one)}", "THIRD")
${direct('FOURTH')}`,
    })
    const { code, output } = await inTerminal(space, ['inspect', 'dist'])
    const lines = stripVTControlCharacters(output).split('\r\n')
    expect([code, ...lines.slice(0, 5)]).toEqual([
      0,
      'NAME           KIND     FORMAT  MODE      SIZE   REGIONS    IN',
      'FIRST          literal  text    envelope  23 B   us-east-1  main.mjs',
      'FOURTH         literal  text    direct    152 B  us-east-1  main.mjs',
      'SECOND_OF_ALL  literal  text    envelope  23 B   eu-west-1  main.mjs',
      'THIRD          literal  text    envelope  23 B   us-east-1  main.mjs',
    ])
    const openers = lines.slice(5).join('\n')
    const of = (title: string, key: string, context: string, opens: string) =>
      `\n\n${title}\n  key      ${key}\n  context  ${context}\n  opens    ${opens}`
    expect(openers).toContain('4 secrets in 1 file')
    for (const opener of [
      of(`data key pair ${one.fingerprint}`, KEY_ARN, '-', 'FIRST, THIRD'),
      of(
        `data key pair ${other.fingerprint}`,
        other.wrapped[0]!.keyId,
        'app=orders',
        'SECOND_OF_ALL',
      ),
      of('mode direct', KEY_ARN, 'a=b', 'FOURTH'),
    ])
      expect(openers).toContain(opener)
  })

  function direct(name: string) {
    const wrapped = [{ keyId: KEY_ARN, ciphertextBlob: Buffer.alloc(152).toString('base64') }]
    const sealedAlone = { wrapped, encryptionContext: { a: 'b' } }
    const { args } = directCall(sealedAlone, name, 'text', {}, {})
    return `direct(${args.map((arg) => JSON.stringify(arg)).join()})`
  }
})

const COLOUR = '\u001B['

describe('--help fits one screen of 80 by 24, and has an example', () => {
  it('for all commands', async () => {
    const space = await workspace()
    const help = (...args: string[]) => space.cli([...args, '--help'])
    const all = await help()
    const commands = [...all.stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!)
    expect(commands).toEqual(expect.arrayContaining(['init', 'set', 'scan', 'local']))
    const helps = await Promise.all(commands.map((name) => help(name)))
    for (const { code, stdout } of [all, ...helps]) {
      expect(code).toBe(0)
      expect(stdout).toContain('Example:')
      const lines = stdout.trimEnd().split('\n')
      const rows = lines.map((line) => Math.ceil(line.length / 80) || 1)
      expect(
        rows.reduce((sum, row) => sum + row),
        stdout,
      ).toBeLessThan(24)
    }
  })
})

describe.skipIf(!hasPython)('a terminal (needs python3, which opens one)', () => {
  it('hides the value that set asks for', async () => {
    const space = await initialised()
    const seen = await inTerminal(space, ['set', 'A'], [['Value of A', `${VALUE}\r`]])
    expect(seen).toMatchObject({ code: 0, restored: true })
    expect(seen.output).not.toContain('correct')
    expect((await space.cli(['get', 'A'], { env: kms.env })).stdout).toBe(VALUE)
  })

  it('is restored after Ctrl-C at the prompt, which exits with 130', async () => {
    const space = await initialised()
    const before = await readFile(space.path('kms-secrets.json'), 'utf8')
    expect(await inTerminal(space, ['set', 'A'], [['Value of A', 'half\u0003']])).toMatchObject({
      code: 130,
      restored: true,
    })
    expect(await readFile(space.path('kms-secrets.json'), 'utf8')).toBe(before)
  })

  it('rejects several pasted lines, because a prompt takes one', async () => {
    const space = await initialised()
    const seen = await inTerminal(space, ['set', 'A'], [['Value of A', 'line one\rline two\r']])
    expect(seen).toMatchObject({ code: 2, restored: true })
    expect(seen.output).toContain('--from-file')
    expect(seen.output).not.toMatch(/line one|line two/)
  })

  it('lets import ask before it deletes', async () => {
    const space = await initialised({ '.env': 'A=some-value\n' })
    expect(await inTerminal(space, ['import', '.env'], [['Delete .env?', 'y']])).toMatchObject({
      code: 0,
      restored: true,
    })
    await expect(stat(space.path('.env'))).rejects.toThrow('ENOENT')
  })

  it('keeps the file after Ctrl-C at that question, which exits with 130', async () => {
    const space = await initialised({ '.env': 'A=some-value\n' })
    const seen = await inTerminal(space, ['import', '.env'], [['Delete .env?', '\u0003']])
    expect(seen).toMatchObject({ code: 130, restored: true })
    expect((await stat(space.path('.env'))).isFile()).toBe(true)
  })

  it('shows progress and colours of commands that call KMS', async () => {
    const space = await initialised({
      'src/a.ts': "import { secret } from 'unplugin-kms/secret'\nsecret('plaintext')\n",
      'dist/a.js': '1',
      '.env': 'B=b-value\n',
    })
    await space.cli(['set', 'A'], { stdin: VALUE })
    const runs = [
      ['get', 'A'],
      ['list'],
      ['encrypt', 'src'],
      ['rotate', 'src'],
      ['rewrap', '--key', key],
      ['rename', 'A', 'C'],
      ['scan', 'dist'],
      ['decrypt', 'src'],
      ['unset', 'C'],
      ['init', '--key', key, '-f', 'b.json'],
      ['merge', 'b.json', 'b.json', 'b.json'],
      ['local', '--memory', '--', 'true'],
    ]
    const coloured = new Set(['list', 'rotate', 'init'])
    const waiting = new Set(['get', 'rotate', 'rewrap', 'rename', 'scan', 'decrypt', 'init'])
    const slow = kms.faults.add({ kind: 'latency', ms: 1200 })
    for (const args of runs) {
      const seen = await inTerminal(space, args)
      expect(seen, seen.output).toMatchObject({ code: 0, restored: true })
      expect(/\u001B\[\d+m/.test(seen.output), args[0]).toBe(coloured.has(args[0]!))
      const isWaiting = /\r\u001B\[K(asking KMS|searching \w+|.* in KMS) …/.test(seen.output)
      expect(isWaiting, args[0]).toBe(waiting.has(args[0]!))
    }
    slow.remove()
  })
})

describe('a pipe', () => {
  it('gets plain lines, and with --json JSON on stdout', async () => {
    const space = await initialised({
      'src/a.ts': "import { secret } from 'unplugin-kms/secret'\nsecret('plaintext')\n",
      'dist/a.js': '1',
      '.env': 'B=b-value\n',
    })
    await space.cli(['set', 'A'], { stdin: VALUE })
    const runs = [
      ['get', 'A'],
      ['list'],
      ['import', '.env'],
      ['encrypt', 'src'],
      ['rotate', 'src'],
      ['rewrap', '--key', key],
      ['scan', 'dist'],
      ['decrypt', 'src'],
      ['init', '--key', key, '-f', 'b.json'],
    ]
    for (const args of runs) {
      const { NO_COLOR: _, ...env } = space.env
      const ran = await space.cli([...args, '--json'], {
        env: { ...env, ...kms.env, NO_COLOR: '' },
      })
      expect(ran, ran.stderr).toMatchObject({ code: 0 })
      expect(() => JSON.parse(ran.stdout), args[0]).not.toThrow()
      expect(ran.stdout + ran.stderr).not.toContain(COLOUR)
    }
  })
})
