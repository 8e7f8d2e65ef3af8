import { EncryptCommand } from '@aws-sdk/client-kms'
import { type LocalKms, startLocalKms } from '@unplugin-kms/local-kms'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataKeyPair } from '../../src/aws/create-data-key-pair.js'
import { kmsCalls } from '../../src/aws/kms.js'
import type { DataKeyPair } from '../../src/crypto/data-key-pair.js'
import { diagnose, type Diagnosis, type DoctorOptions } from '../../src/doctor/doctor.js'
import { directCall } from '../../src/pipeline/emit/shim.js'
import { opened, sealed } from '../inspect/sealed.js'
import { localPair } from '../support/project.js'
import { expectCause } from './cause.js'
import { allow, document } from './policies.js'
import { CONTEXT, world } from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

describe('doctor of a bundle', () => {
  /** What is said of this code, in a folder without a secrets file. */
  async function said(
    code: (pair: DataKeyPair, token: string) => string,
    more: DoctorOptions = {},
  ) {
    const { key, options, secretsFile } = await world(kms)
    const pair = await createDataKeyPair(kmsCalls(options.aws!), [key], CONTEXT)
    const folder = join(secretsFile, '../dist')
    await mkdir(folder)
    await writeFile(join(folder, 'main.mjs'), code(pair, await sealed(pair)))
    const { secretsFile: _, ...rest } = options
    return diagnose({ ...rest, bundles: [join(folder, 'main.mjs')], ...more })
  }
  const ofBundle = ({ checks }: Diagnosis) =>
    checks.filter(({ id }) => id === 'bundle').map(({ status, says }) => `${status}: ${says}`)
  const whole = (pair: DataKeyPair, token: string) =>
    `const o = ${opened(pair)}; o("${token}", "A")`

  it('reports that it is complete', async () => {
    const diagnosis = await said(whole)
    expect(ofBundle(diagnosis)).toEqual([
      'ok: every token is valid and its data key pair is in the bundle (secrets: 1, files: 1)',
    ])
    expect(diagnosis.verdict).toBe('fine')
  })

  it('reports a truncated token as the only cause', async () => {
    const cut = (pair: DataKeyPair, token: string) =>
      `${whole(pair, token)}; o("${token.slice(0, 59)}", "CUT")`
    expectCause(await said(cut), 'bundle', /main\.mjs contains a malformed token, .*cut off/)
    const alone = (_: DataKeyPair, token: string) => `o("${token.slice(0, 59)}", "CUT")`
    expectCause(await said(alone), 'bundle', /contains a malformed token/)
  })

  it.each([
    ['a data key pair that was wrapped with another context', 'envelope'],
    ['a ciphertext of its own that was encrypted with another context', 'direct'],
  ])('reports %s, whatever the role may do', async (_, mode) => {
    const { key, options, client, secretsFile } = await world(kms)
    const command = {
      KeyId: key,
      EncryptionContext: { app: 'billing' },
      Plaintext: Buffer.alloc(9),
    }
    const { CiphertextBlob } = await client().send(new EncryptCommand(command))
    const ciphertextBlob = Buffer.from(CiphertextBlob!).toString('base64')
    const wrapped = [{ keyId: key, ciphertextBlob }]
    const pair = { ...localPair(key), wrapped, encryptionContext: CONTEXT }
    const { args } = directCall({ wrapped, encryptionContext: CONTEXT }, 'ALONE', 'text', {}, {})
    const bundle = secretsFile.replace('kms-secrets.json', 'main.mjs')
    const code = {
      envelope: whole(pair, await sealed(pair)),
      direct: `f(${args.map((arg) => JSON.stringify(arg)).join()})`,
    }
    await writeFile(bundle, code[mode as keyof typeof code])
    const { secretsFile: _file, ...rest } = options
    const diagnosis = await diagnose({ ...rest, bundles: [bundle] })
    const what = mode === 'direct' ? 'ALONE' : `the private key of ${pair.fingerprint}`
    expectCause(diagnosis, 'wrapping', new RegExp(`cannot decrypt ${what} in the bundle with`))
  })

  it('reports a token whose pair is missing as unchecked', async () => {
    const foreign = await sealed(localPair())
    const diagnosis = await said((pair, token) => `${whole(pair, token)}; x("${foreign}", "FAR")`)
    expect(ofBundle(diagnosis)).toEqual([
      expect.stringMatching(/^unchecked: FAR is sealed to the data key pair .* give all/),
    ])
    expect(diagnosis.verdict).toBe('fine')
  })

  it('rejects --decrypt, which needs a secrets file', async () => {
    await expect(said(whole, { decrypt: true })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })
})

it('doctor reports each finding of a bundle with two encryption contexts once', async () => {
  const { key, options, secretsFile } = await world(kms, {
    policies: (arn) => [document(allow('kms:Decrypt', arn))],
  })
  const pairs = await Promise.all(
    ['orders', 'billing'].map((app) => createDataKeyPair(kmsCalls(options.aws!), [key], { app })),
  )
  const bundle = secretsFile.replace('kms-secrets.json', 'main.mjs')
  const code = pairs.map(async (pair) => `open(${opened(pair)}, "${await sealed(pair)}")`)
  await writeFile(bundle, (await Promise.all(code)).join('\n'))
  const { secretsFile: _, ...rest } = options
  const { checks, verdict } = await diagnose({ ...rest, bundles: [bundle] })
  expect(verdict).toBe('fine')
  expect(new Set(checks.map(({ says }) => says)).size).toBe(checks.length)
  const access = checks.filter(({ id }) => id === 'access').map(({ says }) => says)
  expect(access).toEqual([
    expect.stringMatching(/context \{"app":"(orders|billing)"\}$/),
    expect.stringMatching(/context \{"app":"(orders|billing)"\}$/),
  ])
})
