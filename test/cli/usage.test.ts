import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { workspace } from './cli.js'
import { inTerminal } from './in-terminal.js'

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

async function cli(...args: string[]) {
  return (await workspace()).cli(args)
}

describe('the command line', () => {
  it.each([['--version'], ['-V']])('prints its version for %s', async (option) => {
    const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
    const { version } = JSON.parse(manifest) as { version: string }
    expect(await cli(option)).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  it('enables no compile cache, whose folder other users may write to', async () => {
    const { cli } = await workspace()
    const watch = `import module from 'node:module'
module.enableCompileCache = () => console.log('enabled')
console.log('watched')`
    const nodeOptions = [`--import=data:text/javascript,${encodeURIComponent(watch)}`]
    const { stdout } = await cli(['--version'], { nodeOptions })
    expect(stdout).toMatch(/^watched\n[\d.]+\n$/)
  })

  it('prints the same help for "help" and "help COMMAND" as for --help', async () => {
    for (const command of [[], ['set'], ['local']]) {
      const { code, stdout } = await cli('help', ...command)
      expect([code, stdout]).toEqual([0, (await cli(...command, '--help')).stdout])
    }
  })

  it.each([
    ['rm', 'unset'],
    ['delete', 'unset'],
    ['ls', 'list'],
    ['mv', 'rename'],
    ['add', 'set'],
    ['roate', 'rotate'],
    ['inspekt', 'inspect'],
  ])('suggests a command for %s', async (typed, meant) => {
    expect(await cli(typed, 'X')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Did you mean ${meant}`),
    })
  })

  it('suggests an option for a misspelt one', async () => {
    const { code, stderr } = await cli('set', 'A', '--from-fil', 'x')
    expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean --from-file?')])
  })

  it('suggests a name of the secrets file for a misspelt one', async () => {
    const space = await workspace()
    await space.cli(['init', '--key', key], { env: kms.env })
    await space.cli(['set', 'DB_PASSWORD'], { stdin: 'some value' })
    for (const args of [
      ['get', 'DB_PASWORD'],
      ['unset', 'db_password'],
      ['rename', 'DB_PASSWRD', 'B'],
    ]) {
      const { code, stderr } = await space.cli(args)
      expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean DB_PASSWORD?')])
    }
    expect((await space.cli(['get', 'SOMETHING'])).stderr).not.toContain('Did you mean')
  })

  it('rejects an option that is given twice, without repeating its value', async () => {
    const { code, stderr } = await cli('set', 'A', '--from-file', 'x', '--from-file', 'hunter2')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--from-file.*given twice/)])
    expect(stderr).not.toContain('hunter2')
  })

  it('prints several values as one JSON object, with one kms:Decrypt', async () => {
    const space = await workspace()
    await space.cli(['init', '--key', key], { env: kms.env })
    await space.cli(['set', 'A'], { stdin: 'value of a' })
    await space.cli(['set', 'B'], { stdin: 'value of b' })
    const before = kms.journal.length
    const { code, stdout } = await space.cli(['get', 'B', 'A'], { env: kms.env })
    expect([code, JSON.parse(stdout)]).toEqual([0, { B: 'value of b', A: 'value of a' }])
    expect(kms.journal.slice(before).map(({ operation }) => operation)).toEqual(['Decrypt'])
  })

  it('reports what a successful local run did', async () => {
    const { code, stderr } = await cli('local', '--memory', '--', 'true')
    expect([code, stderr]).toEqual([
      0,
      'unplugin-kms local: 0 calls to the embedded KMS, keys in memory\n',
    ])
  })
})

describe.skipIf(!hasPython)('on a terminal (needs python3)', () => {
  it('asks for a value though the terminal reports a width of 0', async () => {
    const space = await workspace()
    await space.cli(['init', '--key', key], { env: kms.env })
    const seen = await inTerminal(space, ['set', 'A'], [['Value of A', 'some value\r']], {}, 0)
    expect(seen).toMatchObject({ code: 0, restored: true })
    expect((await space.cli(['get', 'A'], { env: kms.env })).stdout).toBe('some value')
  })

  it('init reports an existing file immediately, without progress', async () => {
    const space = await workspace({ 'kms-secrets.json': '{}' })
    const { code, output } = await inTerminal(space, ['init', '--key', key], [], kms.env)
    expect([code, output]).toEqual([2, expect.stringContaining('SECRETS_FILE_EXISTS')])
    expect(output).not.toContain('data key pair in KMS')
  })
})

it('no command prints the AWS SDK’s warning about future Node versions', async () => {
  const space = await workspace()
  const { stderr } = await space.cli(['init', '--key', key], { env: kms.env })
  expect(stderr).not.toContain('NodeVersionSupportWarning')
})
