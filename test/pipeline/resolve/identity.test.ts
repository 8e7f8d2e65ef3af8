import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Options } from '../../../src/options/types.js'
import { project } from '../../support/project.js'
import { IMPORT, opened, refused, startAccount, VALUE, type Account } from './sources.js'

const here = dirname(fileURLToPath(import.meta.url))
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

/** A build script, with the plugin as the sources stand; in the repository, so that it finds its packages. */
const program = (() => {
  const folder = mkdtempSync(join(here, '../../../node_modules/.unplugin-kms-build-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const code = `
    import * as esbuild from 'esbuild'
    import kms from './src/bundlers/esbuild.js'
    const [root, keyId] = process.argv.slice(2)
    esbuild
      .build({ entryPoints: [root + '/src/main.ts'], outdir: root + '/out', bundle: true, platform: 'node', logLevel: 'silent', absWorkingDir: root,
        plugins: [kms({ keyId, aws: { profile: 'prod' }, plaintextLiterals: 'allow' })] })
      .then(() => console.log('built'), (error) => { console.error(error.message); process.exitCode = 1 })`
  buildSync({
    stdin: { contents: code, resolveDir: join(here, '../../..'), loader: 'ts' },
    outfile: join(folder, 'build.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
  })
  return join(folder, 'build.mjs')
})()

let account: Account
beforeAll(async () => {
  account = await startAccount()
  await account.putParameter({ Name: '/db/password' })
  await account.createSecret({ Name: 'db', SecretString: 'value-of-the-secret' })
})
afterAll(() => account.close())

const allow = (...actions: string[]) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
})
const BUILD = allow(
  'kms:GenerateDataKeyPairWithoutPlaintext',
  'ssm:GetParameters',
  'secretsmanager:GetSecretValue',
)

describe('a role that is assumed for the build', () => {
  it('reads and seals, whichever credentials assume it', async () => {
    const { arn: roleArn } = account.kms.createRole({ name: 'build', policies: [BUILD] })
    const options: Options = { ...account.options, aws: { ...account.options.aws, roleArn } }
    const code = `export const a = secret.ssm('/db/password'), b = secret.secretsManager('db')`
    const { values, atBuild } = await opened(account, code, options)
    expect(values).toEqual({ a: VALUE, b: 'value-of-the-secret' })
    expect(atBuild.filter((call) => call === 'sts:AssumeRole')).toHaveLength(1)
  })

  it('is named in the error that denies it', async () => {
    const { arn: roleArn } = account.kms.createRole({ name: 'powerless' })
    const options: Options = { ...account.options, aws: { ...account.options.aws, roleArn } }
    const text = await refused(`secret.ssm('/db/password')`, options, 'SOURCE_DENIED')
    expect(text).toContain('arn:aws:sts::111122223333:assumed-role/powerless/')
  })
})

describe('a profile that requires an MFA code', () => {
  /** A build in a process of its own, by nothing but the profile. */
  async function buildAs(user: string, steps?: (code: () => string) => [string, string][]) {
    const { kms } = account
    const { arn: role_arn } = kms.createRole({
      name: `with-mfa-${user}`,
      policies: [BUILD],
      trust: trustWithMfa,
    })
    const { credentials, mfa } = kms.createUser({
      name: user,
      mfa: true,
      policies: [allow('sts:AssumeRole')],
    })
    const root = await project({
      'src/main.ts': `${IMPORT}export const a = secret.ssm('/db/password'), b = secret.secretsManager('db'), c = secret('a-literal-of-mfa')`,
      credentials: `[dev]\naws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\n`,
      config: `[profile prod]\nrole_arn = ${role_arn}\nsource_profile = dev\nmfa_serial = ${mfa!.serialNumber}\n`,
    })
    const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...endpoints } = kms.env
    const { PATH = '' } = process.env
    const env = {
      PATH,
      TERM: 'xterm',
      ...endpoints,
      AWS_CONFIG_FILE: join(root, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(root, 'credentials'),
    }
    const command = [process.execPath, program, root, account.keyId]
    return steps
      ? inTerminal({ command, cwd: root, env, steps: steps(mfa!.code) })
      : inPipe(command, env)
  }

  it('fails without a terminal, and names the device and what to do', async () => {
    const { code, output } = await buildAs('ci')
    expect(code).toBe(1)
    expect(output).toMatch(/CREDENTIALS_MISSING/)
    expect(output).toContain('arn:aws:iam::111122223333:mfa/ci')
    expect(output).toContain('no terminal')
  })

  it.skipIf(!hasPython)(
    'is asked for once on a terminal, for all services (if Python can open one)',
    async () => {
      const { code, output } = await buildAs('dev', (mfaCode) => [
        ['Code of the MFA device', `${mfaCode()}\r`],
      ])
      expect(output).toContain('built')
      expect(code).toBe(0)
      const assumed = account.kms.journal.filter(
        ({ operation, principal }) => operation === 'AssumeRole' && principal?.endsWith('user/dev'),
      )
      expect(assumed).toHaveLength(1)
    },
  )
})

const trustWithMfa = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: 'sts:AssumeRole',
      Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } },
    },
  ],
}

interface ExitResult {
  code: number
  output: string
}

function inPipe([file, ...args]: string[], env: Record<string, string>): Promise<ExitResult> {
  return new Promise((resolve) => {
    const child = execFile(file!, args, { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
    child.stdin!.end()
  })
}

function inTerminal(task: {
  command: string[]
  cwd: string
  env: Record<string, string>
  steps: [string, string][]
}): Promise<ExitResult> {
  return new Promise((resolve, reject) => {
    const child = execFile('python3', [join(here, '../../cli/terminal.py')], (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout) as ExitResult),
    )
    child.stdin!.end(JSON.stringify(task))
  })
}
