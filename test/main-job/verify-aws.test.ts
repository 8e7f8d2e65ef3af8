import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, it } from 'vitest'
import { triesAll } from '../support/combinations.js'

const SCRIPT = join(import.meta.dirname, '../../fixtures/verify-aws.mjs')

let kms: LocalKms
beforeEach(async () => {
  kms = await startLocalKms()
})
afterEach(() => kms.close())

/** Runs verify:aws on the embedded KMS, which it takes for AWS. */
function verify(env: Record<string, string> = kms.env) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  const nowhere = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
  const child = spawn(process.execPath, [SCRIPT], {
    env: {
      ...Object.fromEntries(own),
      ...nowhere,
      AWS_EC2_METADATA_DISABLED: 'true',
      NODE_NO_WARNINGS: '1',
      ...env,
    },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, output }))
  return { child, ended }
}

const called = (operation: string): number =>
  kms.journal.filter((entry) => entry.operation === operation && entry.outcome === 'Success').length

it('verify:aws prints its plan, runs the main job and schedules the deletion of its key', async () => {
  const { code, output } = await verify().ended
  expect(output).toMatch(
    /^as arn:aws:iam::\d+:user\/admin, in account \d+, region us-east-1:\nmakes a KMS key \(.*and schedules its deletion in 7 days\.\nkey arn:/,
  )
  expect(output.match(/^  ciphertext +handler\.[mc]js:\d+ .*"kms:v1:[\w-]{36}…$/gm)).toHaveLength(4)
  expect(output).toContain('done: 4 bundles')
  expect([code, called('CreateKey'), called('Decrypt'), called('ScheduleKeyDeletion')]).toEqual([
    0, 1, 4, 1,
  ])
})

it('verify:aws schedules the deletion of its key if the job fails', async () => {
  const operation = 'GenerateDataKeyPairWithoutPlaintext'
  kms.faults.add({ kind: 'error', type: 'DisabledException', operation })
  const { code, output } = await verify().ended
  expect([code, called('ScheduleKeyDeletion')]).toEqual([1, 1])
  expect(output).toMatch(/^verify:aws: .*DisabledException/m)
})

it.runIf(triesAll)(
  'verify:aws schedules the deletion of its key when it is interrupted',
  async () => {
    kms.faults.add({ kind: 'hang', operation: 'GenerateDataKeyPairWithoutPlaintext' })
    const { child, ended } = verify()
    await expect.poll(() => called('GenerateDataKeyPairWithoutPlaintext')).toBe(1)
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    expect(called('ScheduleKeyDeletion')).toBe(1)
  },
)

it.runIf(triesAll)('verify:aws names a key that it could not schedule for deletion', async () => {
  for (const operation of ['GenerateDataKeyPairWithoutPlaintext', 'ScheduleKeyDeletion']) {
    kms.faults.add({ kind: 'error', type: 'AccessDeniedException', operation })
  }
  const { code, output } = await verify().ended
  expect(code).toBe(1)
  expect(output).toMatch(/^verify:aws: the key is still there, delete it by hand: arn:aws:kms:/m)
})

it('verify:aws reports missing credentials in one line, and creates nothing', async () => {
  const { code, output } = await verify({ AWS_REGION: 'us-east-1' }).ended
  expect(code).toBe(1)
  expect(output).toMatch(/^verify:aws: CredentialsProviderError: .*\n$/)
})
