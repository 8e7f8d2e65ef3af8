import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, it, onTestFinished } from 'vitest'
import { workspace } from './cli.js'

const node = (script: string) => ['--', process.execPath, '-e', script]

it('local runs a command against an embedded KMS, and exits with its exit code', async () => {
  const space = await workspace()
  const script = 'console.log(process.env.AWS_ENDPOINT_URL_KMS); process.exitCode = 7'
  expect(await space.cli(['local', ...node(script)])).toEqual({
    code: 7,
    signal: null,
    stdout: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\n$/),
    stderr: '',
  })
})

it('local keeps keys in .kms-local for the next run, and git ignores them', async () => {
  const space = await workspace()
  const local = (args: string[], stdin = '') =>
    space.cli(['local', '--key', 'alias/orders', '--', ...space.command(args)], { stdin })
  expect(await local(['init', '--key', 'alias/orders'])).toMatchObject({ code: 0 })
  expect(await space.cli(['set', 'A'], { stdin: 'a value' })).toMatchObject({ code: 0 })
  expect(await local(['get', 'A'])).toMatchObject({ code: 0, stdout: 'a value' })
  expect(await readFile(space.path('.kms-local/.gitignore'), 'utf8')).toBe('*\n')
})

it('local forwards signals to its command, and exits as the command does', async () => {
  const space = await workspace()
  const script = `process.on('SIGTERM', () => process.exit(9)); console.log('up'); setInterval(() => {}, 1000)`
  const [file, ...args] = space.command(['local', '--memory', ...node(script)])
  const child = spawn(file!, args, { cwd: space.folder, env: space.env })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([9, null])
})
