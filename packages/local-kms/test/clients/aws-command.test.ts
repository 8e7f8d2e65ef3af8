import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { peerEnvironment, whyMissing } from './installed.js'
import { temporaryFolder } from '../fixtures/temporary-folder.js'

/** Set by `npm run test:matrix`: each command takes half a second of CPU time. */
const triesAll = process.env.COMBINATIONS === 'all'
const missing = whyMissing('aws', '--version')

let kms: LocalKms
let cwd: string
beforeAll(async () => {
  kms = await startLocalKms()
  await kms.createKey({ alias: 'alias/app' })
  cwd = temporaryFolder()
})
afterAll(() => kms.close())

/** Runs a line in a shell, and returns its output or error. */
function typed(line: string): Promise<string> {
  const child = spawn('sh', ['-c', line], { cwd, env: peerEnvironment(kms.env) })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) => child.once('close', () => resolve(output.trim())))
}

describe.skipIf(missing !== '')(`the aws command, as typed${missing}`, () => {
  it('encrypts and decrypts through a file', async () => {
    // Use a file, because version 2 of the command reads a bare string as base64.
    await typed('printf hunter2 > plain')
    await typed(
      'aws kms encrypt --key-id alias/app --plaintext fileb://plain --encryption-context app=orders --query CiphertextBlob --output text | base64 --decode > secret.bin',
    )
    const decrypt = 'aws kms decrypt --ciphertext-blob fileb://secret.bin'
    const context = '--encryption-context app=orders'
    expect(
      await typed(`${decrypt} ${context} --query Plaintext --output text | base64 --decode`),
    ).toBe('hunter2')
    expect(await typed(decrypt)).toMatch(
      /An error occurred \(InvalidCiphertextException\) when calling the Decrypt operation/,
    )
    expect(await typed(`${decrypt} ${context} --region eu-west-1`)).toMatch(
      /\(AccessDeniedException\)/,
    )
  })

  it.runIf(triesAll)('puts a SecureString, and reads it with and without decryption', async () => {
    await typed(
      'aws ssm put-parameter --name /prod/db --value hunter2 --type SecureString --key-id alias/app',
    )
    const get = 'aws ssm get-parameters --names /prod/db --query Parameters[0].Value --output text'
    expect(await typed(`${get} --with-decryption`)).toBe('hunter2')
    expect(await typed(get)).toMatch(/^AQICAH/)
    const context = 'PARAMETER_ARN=arn:aws:ssm:us-east-1:111122223333:parameter/prod/db'
    await typed(`${get} | base64 --decode > parameter.bin`)
    expect(
      await typed(
        `aws kms decrypt --ciphertext-blob fileb://parameter.bin --encryption-context ${context} --query Plaintext --output text | base64 --decode`,
      ),
    ).toBe('hunter2')
  })

  it.runIf(triesAll)('generates a data key pair whose private key only KMS decrypts', async () => {
    const pair =
      'aws kms generate-data-key-pair-without-plaintext --key-id alias/app --key-pair-spec ECC_NIST_P256'
    await typed(
      `${pair} --query PrivateKeyCiphertextBlob --output text | base64 --decode > pair.bin`,
    )
    const decrypt =
      'aws kms decrypt --ciphertext-blob fileb://pair.bin --query Plaintext --output text'
    expect(await typed(decrypt)).toMatch(/^MI/)
  })

  it.runIf(triesAll)(
    'creates and reads a secret, assumes a role and gets its identity',
    async () => {
      await typed(
        'aws secretsmanager create-secret --name prod/db --secret-string \'{"password":"x"}\'',
      )
      const get =
        'aws secretsmanager get-secret-value --secret-id prod/db --query SecretString --output text'
      expect(await typed(get)).toBe('{"password":"x"}')
      const { arn } = kms.createRole({ name: 'app' })
      const assume = `aws sts assume-role --role-arn ${arn} --role-session-name typed --query AssumedRoleUser.Arn --output text`
      expect(await typed(assume)).toBe('arn:aws:sts::111122223333:assumed-role/app/typed')
      expect(await typed('aws sts get-caller-identity --query Arn --output text')).toBe(
        kms.admin.arn,
      )
    },
  )
})
