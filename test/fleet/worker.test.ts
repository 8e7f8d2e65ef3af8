import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import type { LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { triesAll } from '../support/combinations.js'
import { inTerminal } from '../cli/in-terminal.js'
import { deployment, type Deployment } from './deployment.js'

const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

const MEGABYTE = 2 ** 20

describe('the worker of fleet', () => {
  let kms: LocalKms
  let deployed: Deployment
  let peakHook: string

  beforeAll(async () => {
    deployed = await deployment()
    ;({ kms } = deployed)
    peakHook = deployed.at.path('peak.mjs')
    await writeFile(
      peakHook,
      `import { isMainThread } from 'node:worker_threads'
       import { writeSync } from 'node:fs'
       const report = () => writeSync(2, 'peak ' + process.resourceUsage().maxRSS * 1024 + '\\n')
       if (isMainThread) process.on('exit', report)`,
    )
  })
  afterAll(() => kms.close())

  const create = (name: string, code: Buffer) =>
    kms.createFunction({ name, role: deployed.role, code })

  /** Returns the largest resident size of a run, in bytes. */
  async function peakOf(glob: string): Promise<number> {
    const { stderr, code } = await deployed.at.cli(['fleet', '--function', glob], {
      nodeOptions: ['--import', peakHook],
    })
    if (code !== 0) throw new Error(stderr)
    return Number(/peak (\d+)/.exec(stderr)![1])
  }

  it('needs at most 50 MB more for many large functions than for one small one', async () => {
    const filler = () => `/*${randomBytes(500_000).toString('hex')}*/`
    const small = create('small', await deployed.bundle())
    const code = await deployed.bundle({ 'a.js': filler(), 'b.js': filler(), 'c.js': filler() })
    const large = Array.from({ length: triesAll ? 80 : 25 }, (_, index) =>
      create(`large-${index}`, code),
    )
    const growth = (await peakOf('large-*')) - (await peakOf('small'))
    expect(growth).toBeLessThan(50 * MEGABYTE)
    for (const arn of [small, ...large]) kms.deleteFunction(arn)
  })

  it('reads secrets that need more memory than the limit', async () => {
    const names = ['ONE', 'TWO', 'THREE', 'FOUR']
    const value = randomBytes(3_000_000).toString('base64')
    await writeFile(
      deployed.at.path('large.env'),
      names.map((name) => `${name}=${value}\n`).join(''),
    )
    await deployed.ran(['import', 'large.env'])
    const file = await readFile(deployed.at.path('kms-secrets.json'), 'utf8')
    const uses = [...file.matchAll(/"([A-Z]+)": "(kms:v1:[\w-]+)"/g)].map(
      ([, name, token]) => `open("${token}", "${name}");\n`,
    )
    expect(uses).toHaveLength(names.length)
    const arn = create('huge', await deployed.bundle({ 'huge.js': uses.join('') }))
    const { stdout } = await deployed.ran(['fleet', '--function', 'huge', '--json'])
    expect(stdout.match(/"state": "current"/g)).toHaveLength(names.length + 1)
    kms.deleteFunction(arn)
  })

  it.skipIf(!hasPython)('shows its progress on a terminal', async () => {
    const arns = ['one', 'two'].map((name) => create(`slow-${name}`, Buffer.alloc(0)))
    const slow = kms.faults.add({ kind: 'latency', ms: 1500, operation: 'ListAliases' })
    const { output } = await inTerminal(deployed.at, ['fleet'])
    slow.remove()
    for (const arn of arns) kms.deleteFunction(arn)
    expect(output).toMatch(/\r\u001B\[K(listing functions|0 of 2 listed functions examined) …/)
    const { stderr } = await deployed.at.cli(['fleet'])
    expect(stderr).toBe('0 functions examined\n')
  })

  it.skipIf(!hasPython)('asks for an MFA code on the terminal', async () => {
    const { arn } = kms.createRole({
      name: 'auditor',
      policies: [allow('lambda:*')],
      trust: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: 'arn:aws:iam::111122223333:root' },
            Action: 'sts:AssumeRole',
            Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } },
          },
        ],
      },
    })
    const { credentials, mfa } = kms.createUser({
      name: 'person',
      mfa: true,
      policies: [allow('sts:AssumeRole')],
    })
    await writeFile(
      deployed.at.path('config'),
      `[profile user]\naws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\n` +
        `[profile audit]\nrole_arn = ${arn}\nsource_profile = user\nmfa_serial = ${mfa!.serialNumber}\n`,
    )
    const env = {
      AWS_CONFIG_FILE: deployed.at.path('config'),
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_PROFILE: 'audit',
    }
    const { code, output } = await inTerminal(
      deployed.at,
      ['fleet'],
      [['Code of the MFA device', `${mfa!.code()}\r`]],
      env,
    )
    expect(output).toContain('0 functions examined')
    expect(code).toBe(0)
    const piped = await deployed.at.cli(['fleet'], { env })
    expect(piped).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/no terminal.*\[CREDENTIALS_MISSING\]/) as string,
    })
  })
})

const allow = (Action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
})
