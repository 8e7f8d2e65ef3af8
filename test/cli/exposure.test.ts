import { execFileSync, spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { detect } from '../detector/detect.js'
import { localPair, secretsFile } from '../support/project.js'
import { workspace, type Workspace } from './cli.js'

const PLAINTEXTS = {
  STDIN: 'plaintext that came on stdin',
  FILE: 'plaintext that came from a file',
  DOTENV: 'plaintext of a dotenv file',
  LITERAL: 'plaintext that stood in a source',
  VARIABLE: 'plaintext in the environment',
}
const PREPARED = {
  'a.bin': PLAINTEXTS.FILE,
  '.env': `B=${PLAINTEXTS.DOTENV}\n`,
  'src/a.ts': `import { secret } from 'unplugin-kms/secret'\nsecret('${PLAINTEXTS.LITERAL}')\n`,
  'dist/leak.js': `x = '${PLAINTEXTS.STDIN}'`,
}

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

/** Runs a command, and returns its output and everything else that other processes could see. */
async function observed(space: Workspace, args: string[], env: Record<string, string> = {}) {
  const log = space.path('../observed')
  const ran = await space.cli([...args, '--verbose'], {
    stdin: PLAINTEXTS.STDIN,
    env: { ...kms.env, MINE: PLAINTEXTS.VARIABLE, OBSERVED: log, ...env },
    nodeOptions: ['--import', fileURLToPath(new URL('observe.mjs', import.meta.url))],
  })
  return { ...ran, seen: await readFile(log, 'utf8') }
}

const git = (space: Workspace, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
    cwd: space.folder,
    env: space.env,
  })

describe('no argument, child environment, temporary file or message contains a plaintext', () => {
  it('of any command, whether it succeeds or fails', async () => {
    const space = await workspace(PREPARED)
    git(space, 'init', '-q')
    const run: [args: string[], code: number, env?: Record<string, string>][] = [
      [['init', '--key', key, '--merge-driver'], 0],
      [['set', 'A'], 0],
      [['set', 'F', '--from-file', 'a.bin'], 0],
      [['import', '.env'], 0],
      [['encrypt', '--check', 'src'], 1],
      [['encrypt', 'src'], 0],
      [['list'], 0],
      [['rename', 'A', 'C'], 0],
      [['rotate', 'src'], 0],
      [['rotate', '--prune'], 0],
      [['rewrap', '--key', key], 0],
      [['scan', 'dist', '--env', 'MINE'], 1],
      [['get', 'NOT_THERE'], 2],
      [['get', 'C'], 3, { AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' }],
      [['unset', 'F'], 0],
    ]
    for (const [args, code, env] of run) {
      const ran = await observed(space, args, env)
      expect(ran, ran.stderr).toMatchObject({ code })
      const said = Buffer.from(ran.stdout + ran.stderr)
      expect(detect([[`messages of ${args.join(' ')}`, said]], PLAINTEXTS)).toEqual([])
    }
    const seen = await readFile(space.path('../observed'), 'utf8')
    expect(detect([['what was seen', Buffer.from(seen)]], PLAINTEXTS)).toEqual([])
    // That it would have been seen.
    expect(seen).toMatch(/\["child",\["git",.*"PATH=/)
    expect(seen).toMatch(/\["write",.*kms:v1:/)
    expect(seen.match(/^\["process"/gm)).toHaveLength(run.length)
  })

  it('of a command that rejects a changed pin and asks git who changed it', async () => {
    const space = await workspace(PREPARED)
    git(space, 'init', '-q')
    await secretsFile(space.path('kms-secrets.json'), {})
    await space.cli(['set', 'A'], { stdin: 'x' })
    await secretsFile(space.path('kms-secrets.json'), {}, localPair())
    const { code, stdout, stderr, seen } = await observed(space, ['set', 'A'])
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('PIN_MISMATCH') })
    expect(seen).toMatch(/\["child",\["git","log"/)
    expect(detect([['all', Buffer.from(stdout + stderr + seen)]], PLAINTEXTS)).toEqual([])
  })

  it('of get, which prints the value on stdout, and of decrypt, which writes the source', async () => {
    const space = await workspace(PREPARED)
    await space.cli(['init', '--key', key], { env: kms.env })
    await space.cli(['set', 'A'], { stdin: PLAINTEXTS.STDIN })
    await space.cli(['encrypt', 'src'])
    const got = await observed(space, ['get', 'A'])
    expect(got).toMatchObject({ code: 0, stdout: PLAINTEXTS.STDIN, stderr: '' })
    expect(detect([['seen', Buffer.from(got.seen)]], PLAINTEXTS)).toEqual([])
    const opened = await observed(space, ['decrypt', 'src'])
    expect(opened).toMatchObject({ code: 0 })
    const lines = opened.seen.split('\n').filter((line) => line.includes(PLAINTEXTS.LITERAL))
    expect(lines).toEqual([JSON.stringify(['write', PREPARED['src/a.ts']])])
    expect(await readFile(space.path('src/a.ts'), 'utf8')).toBe(PREPARED['src/a.ts'])
  })

  const hasStrace = spawnSync('strace', ['-V']).status === 0
  it.skipIf(!hasStrace)('according to the kernel (needs strace)', async () => {
    const space = await workspace(PREPARED)
    git(space, 'init', '-q')
    await space.cli(['init', '--key', key], { env: kms.env })
    const log = space.path('../trace')
    const trace = ['-f', '-v', '-s', '4000', '-e', 'trace=execve,write,writev,pwrite64', '-o', log]
    const ran = await space.cli(['set', 'A', '--verbose'], {
      stdin: PLAINTEXTS.STDIN,
      wrapper: ['strace', ...trace],
    })
    expect(ran).toMatchObject({ code: 0 })
    const seen = await readFile(log, 'utf8')
    expect(seen).toMatch(/write\(.*kms:v1:/)
    expect(seen).not.toContain(PLAINTEXTS.STDIN)
  })
})
