import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, onTestFinished, it } from 'vitest'
import { socketAddress } from '../../src/account/lock.js'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'
import { bundle } from '../fixtures/bundle.js'
import { temporaryFolder } from '../fixtures/temporary-folder.js'

let dir: string
beforeEach(() => {
  dir = join(temporaryFolder(), '.kms-local')
})

const stateFile = (): string => join(dir, 'state.json')

describe('the state folder', () => {
  it('restores keys, aliases, policies, principals, sessions, parameters and secrets', async () => {
    const first = await startLocalKms({ dir })
    const { arn } = await first.createKey({ alias: 'alias/app' })
    await first.createKey({ multiRegion: true, region: 'eu-west-1' })
    const statement = { Effect: 'Allow', Action: '*', Resource: '*' }
    const role = first.createRole({
      name: 'app',
      policies: [{ Version: '2012-10-17', Statement: [statement] }],
    })
    const credentials = first.credentialsOf(role.arn)
    const request = { KeyId: arn, Plaintext: base64('secret') }
    const { CiphertextBlob } = await succeed(first, 'Encrypt', request)
    await succeed(first, 'RotateKeyOnDemand', { KeyId: arn })
    await succeed(first, 'ssm:PutParameter', { Name: '/p', Value: 'v', Type: 'SecureString' })
    const ClientRequestToken = 'a'.repeat(32)
    await succeed(first, 'secretsmanager:CreateSecret', {
      Name: 's',
      SecretString: 'v',
      ClientRequestToken,
    })
    await first.close()

    const second = await startLocalKms({ dir })
    expect(second.admin.credentials).toEqual(first.admin.credentials)
    const as = { credentials }
    expect(
      (await succeed(second, 'Decrypt', { CiphertextBlob, KeyId: 'alias/app' }, as))['Plaintext'],
    ).toBe(base64('secret'))
    const parameter = await succeed(second, 'ssm:GetParameter', {
      Name: '/p',
      WithDecryption: true,
    })
    expect(parameter['Parameter']).toMatchObject({ Value: 'v' })
    expect(await succeed(second, 'secretsmanager:GetSecretValue', { SecretId: 's' })).toMatchObject(
      {
        SecretString: 'v',
      },
    )
    await second.close()
  })

  it('has a .gitignore that ignores all of it, and is readable by its owner only', async () => {
    const kms = await startLocalKms({ dir })
    await kms.close()
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('*\n')
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(stateFile()).mode & 0o777).toBe(0o600)
  })

  it('contains no plaintext of a SecureString or a secret', async () => {
    const kms = await startLocalKms({ dir })
    const value = 'correct-horse-battery-staple'
    await succeed(kms, 'ssm:PutParameter', { Name: '/p', Value: value, Type: 'SecureString' })
    const ClientRequestToken = 'a'.repeat(32)
    await succeed(kms, 'secretsmanager:CreateSecret', {
      Name: 's',
      SecretString: value,
      ClientRequestToken,
    })
    await kms.close()
    expect(readFileSync(stateFile(), 'utf8')).not.toContain(value)
    expect(readFileSync(stateFile(), 'utf8')).not.toContain(base64(value).slice(0, 32))
  })

  it('is locked by one local KMS until it stops', async () => {
    const kms = await startLocalKms({ dir })
    await expect(startLocalKms({ dir })).rejects.toMatchObject({
      code: 'STATE_IN_USE',
      message: expect.stringContaining(dir),
    })
    await kms.close()
    await (await startLocalKms({ dir })).close()
  })

  it('replaces its file at each change, so that a hard link keeps the old state', async () => {
    const kms = await startLocalKms({ dir })
    const before = readFileSync(stateFile(), 'utf8')
    linkSync(stateFile(), join(dir, 'link'))
    await kms.createKey()
    expect(readFileSync(join(dir, 'link'), 'utf8')).toBe(before)
    expect(readFileSync(stateFile(), 'utf8')).not.toBe(before)
    await kms.close()
  })

  it('rejects a folder with other files, and does not change it', async () => {
    const project = temporaryFolder()
    writeFileSync(join(project, 'package.json'), '{}')
    const refused = { code: 'STATE_ELSEWHERE', message: expect.stringContaining(project) }
    await expect(startLocalKms({ dir: project })).rejects.toMatchObject(refused)
    writeFileSync(join(project, '.gitignore'), 'node_modules\n')
    await expect(startLocalKms({ dir: project })).rejects.toMatchObject(refused)
    expect(readdirSync(project).toSorted()).toEqual(['.gitignore', 'package.json'])
    expect(readFileSync(join(project, '.gitignore'), 'utf8')).toBe('node_modules\n')
    writeFileSync(join(project, '.gitignore'), '# all\n*\n')
    await (await startLocalKms({ dir: project })).close()
    expect(readFileSync(join(project, '.gitignore'), 'utf8')).toBe('# all\n*\n')
  })

  it('completes an empty .gitignore that a killed process left', async () => {
    const folder = temporaryFolder()
    for (const left of [[], ['.gitignore']]) {
      for (const name of left) writeFileSync(join(folder, name), '')
      await (await startLocalKms({ dir: folder })).close()
      expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n')
      rmSync(join(folder, 'state.json'))
    }
  })

  it('reports the path of a folder that cannot be created', async () => {
    const parent = join(temporaryFolder(), 'file')
    writeFileSync(parent, '')
    await expect(startLocalKms({ dir: join(parent, 'x') })).rejects.toMatchObject({
      code: 'STATE_UNWRITABLE',
      message: expect.stringContaining(parent),
    })
  })
})

describe('a corrupt state file is an error with its path, and does not change', () => {
  beforeEach(async () => {
    const kms = await startLocalKms({ dir })
    await kms.createKey()
    await kms.close()
  })

  const corruptions: [string, (text: string) => string][] = [
    ['emptied', () => ''],
    ['cut short', (text) => text.slice(0, -40)],
    ['not JSON', () => 'keys'],
    ['null', () => 'null'],
    ['of another version', (text) => text.replace('"version": 1', '"version": 2')],
    ['with a key changed', (text) => text.replace(/"secret": "./, '"secret": "_')],
    ['with a key removed', (text) => text.replace(/"keys": \[[^]*?\n {4}\]/, '"keys": []')],
  ]

  it.each(corruptions)('%s', async (_, corrupt) => {
    const text = readFileSync(stateFile(), 'utf8')
    const corrupted = corrupt(text)
    expect(corrupted).not.toBe(text)
    writeFileSync(stateFile(), corrupted)
    await expect(startLocalKms({ dir })).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
      message: expect.stringContaining(stateFile()),
    })
    expect(readFileSync(stateFile(), 'utf8')).toBe(corrupted)
    writeFileSync(stateFile(), text)
    await (await startLocalKms({ dir })).close()
  })
})

it('fails a call whose change cannot be written, and undoes the change', async () => {
  const kms = await startLocalKms({ dir })
  const { keyId: KeyId } = await kms.createKey()
  rmSync(dir, { recursive: true })
  const { status, type } = await call(kms, 'DisableKey', { KeyId })
  expect([status, type]).toEqual([500, 'KMSInternalException'])
  const { KeyMetadata } = await succeed(kms, 'DescribeKey', { KeyId })
  expect(KeyMetadata).toMatchObject({ KeyState: 'Enabled' })
  await kms.close()
})

describe('a process that is killed', () => {
  let program: string
  const forkServer = (): ChildProcess => {
    const child = fork(program, [dir])
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  beforeAll(async () => {
    program = await bundle('server.ts')
  })

  it('keeps every key that it returned, and leaves no temporary files', async () => {
    const answered: string[] = []
    for (let round = 0; round < 6; round += 1) {
      const child = forkServer()
      const [kms] = (await once(child, 'message')) as [LocalKms & { arn: string }]
      answered.push(kms.arn)
      const create = async (): Promise<void> => {
        for (;;) {
          const { body } = await call(kms, 'CreateKey')
          answered.push((body['KeyMetadata'] as { Arn: string }).Arn)
          if (answered.length >= (round + 1) * 12) child.kill('SIGKILL')
        }
      }
      await Promise.allSettled([create(), create(), create()])
    }
    const kms = await startLocalKms({ dir })
    const { Keys } = await succeed(kms, 'ListKeys', { Limit: 1000 })
    const kept = (Keys as { KeyArn: string }[]).map((key) => key.KeyArn)
    expect(answered.length).toBeGreaterThan(60)
    expect(kept).toEqual(expect.arrayContaining(answered))
    expect(readdirSync(dir).toSorted()).toEqual(['.gitignore', 'state.json'])
    await kms.close()
  })

  it('leaves a folder that one of many concurrent processes can lock', async () => {
    const child = forkServer()
    await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const started = await Promise.allSettled(
      Array.from({ length: 8 }, () => startLocalKms({ dir })),
    )
    const [running, ...more] = started.flatMap((s) => (s.status === 'fulfilled' ? [s.value] : []))
    expect(more).toEqual([])
    const refused = started.flatMap((s) => (s.status === 'rejected' ? [s.reason] : []))
    expect(refused.map(({ code }) => code)).toEqual(Array(7).fill('STATE_IN_USE'))
    await running?.close()
  })

  it('does not stop the holder of the lock that it connected to', async () => {
    const child = forkServer()
    await once(child, 'message')
    for (let asked = 0; asked < 8; asked++) {
      const asker = connect(socketAddress(realpathSync(dir)))
      await once(asker, 'connect')
      asker.destroy()
    }
    await expect(startLocalKms({ dir })).rejects.toMatchObject({ code: 'STATE_IN_USE' })
    expect(child.exitCode).toBeNull()
  })

  it('leaves a folder that the next process can lock immediately', async () => {
    const child = forkServer()
    await once(child, 'message')
    await expect(startLocalKms({ dir })).rejects.toMatchObject({ code: 'STATE_IN_USE' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await startLocalKms({ dir })).close()
    expect(existsSync(stateFile())).toBe(true)
  })
})
