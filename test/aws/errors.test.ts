import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workspace, type Workspace } from '../cli/cli.js'

let kms: LocalKms
let keyId: string
let space: Workspace
beforeAll(async () => {
  kms = await startLocalKms()
  keyId = (await kms.createKey({ alias: 'alias/app' })).arn
  space = await workspace()
})
afterAll(() => kms.close())

type Environment = Record<string, string | undefined>
const here = (extra: Environment = {}): Environment => ({
  ...kms.env,
  UNPLUGIN_KMS_AWS_TIMEOUT_MS: '20000',
  ...extra,
})
const init = (env: Environment, ...args: string[]) =>
  space.cli(['init', '--key', keyId, '--no-types', '--file', `${Math.random()}.json`, ...args], {
    env,
  })
const NO_KEYS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What is wrong, and what the error reports: never that KMS refused. */
const LOCAL: [title: string, env: () => Environment, reported: RegExp, args?: string[]][] = [
  [
    'no credentials',
    () => ({ ...NO_KEYS }),
    /no AWS credentials: .*--profile or AWS_PROFILE\. \[CREDENTIALS_MISSING\]/,
  ],
  [
    'a secret key that is missing',
    () => ({ AWS_SECRET_ACCESS_KEY: undefined }),
    /AWS_SECRET_ACCESS_KEY is not.*\[CREDENTIALS_MISSING\]/,
  ],
  [
    'a line break in a credential',
    () => ({ AWS_SESSION_TOKEN: 'a\nb' }),
    /line break.*AWS_SESSION_TOKEN.*\[AWS_CONFIG_INVALID\]/,
  ],
  [
    'a web identity token that is missing',
    () => ({
      ...NO_KEYS,
      AWS_WEB_IDENTITY_TOKEN_FILE: '/none/token',
      AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/ci',
    }),
    /\/none\/token.*\[CREDENTIALS_MISSING\]/,
  ],
  [
    'a profile that does not exist',
    () => ({}),
    /no profile nobody .*--profile names it.*\[AWS_CONFIG_INVALID\]/,
    ['--profile', 'nobody'],
  ],
  [
    'a profile of AWS_PROFILE that does not exist',
    () => ({ AWS_PROFILE: 'nobody' }),
    /no profile nobody .*AWS_PROFILE names it.*\[AWS_CONFIG_INVALID\]/,
  ],
  [
    'an endpoint that is not a URL',
    () => ({ AWS_ENDPOINT_URL_KMS: 'localhost' }),
    /AWS_ENDPOINT_URL.*\[AWS_CONFIG_INVALID\]/,
  ],
  [
    'a limit that is not a number',
    () => ({ UNPLUGIN_KMS_AWS_TIMEOUT_MS: '30s' }),
    /UNPLUGIN_KMS_AWS_TIMEOUT_MS is not a whole number.*\[AWS_CONFIG_INVALID\]/,
  ],
  [
    'a credential process that never ends',
    () => ({
      ...NO_KEYS,
      AWS_CONFIG_FILE: space.path('hangs'),
      UNPLUGIN_KMS_AWS_TIMEOUT_MS: '200',
    }),
    /not loaded in time.*\[CREDENTIALS_MISSING\]/,
  ],
]

describe('a command that cannot call AWS', () => {
  beforeAll(async () => {
    await writeFile(space.path('hangs'), '[default]\ncredential_process = sleep 60\n')
  })

  it.each(LOCAL)('exits with 3 and reports %s', async (_, env, reported, args = []) => {
    const { code, stderr } = await init(here(env()), ...args)
    expect(stderr).toMatch(reported)
    expect(stderr).not.toMatch(/refused|should not happen/)
    expect(code).toBe(3)
  })

  it('exits with 3 and reports a missing region, with the flag for it', async () => {
    const env = here({ AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined })
    const { code, stderr } = await space.cli(['init', '--key', 'alias/app', '--no-types'], { env })
    expect(stderr).toMatch(
      /no region is set\. Use an ARN, or set --region or AWS_REGION\. \[AWS_CONFIG_INVALID\]/,
    )
    expect(code).toBe(3)
  })

  it('reports a secret key of another access key as AWS’s own answer', async () => {
    const { code, stderr } = await init(here({ AWS_SECRET_ACCESS_KEY: 'wrong' }))
    expect(stderr).toMatch(/AWS does not accept the credentials .*InvalidSignature.*\[KMS_DENIED\]/)
    expect(code).toBe(3)
  })

  it('reports each address of localhost that refuses the connection', async () => {
    const url = `http://localhost:${await closedPort()}`
    const { code, stderr } = await init(here({ AWS_ENDPOINT_URL_KMS: url }))
    expect(stderr).toContain(`${url} (AWS_ENDPOINT_URL_KMS) refused the connection (ECONNREFUSED)`)
    expect(stderr).toContain('[KMS_UNREACHABLE]')
    expect(code).toBe(3)
  })

  it('names the variable of the service that was called if services share an endpoint', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`
    const file = join(await mkdtemp(join(tmpdir(), 'unplugin-kms-profile-')), 'credentials')
    // Keys of a profile: STS, which may assume its role, is configured after KMS.
    await writeFile(file, '[default]\naws_access_key_id = AKIA\naws_secret_access_key = key\n')
    const env = { ...NO_KEYS, AWS_SHARED_CREDENTIALS_FILE: file, AWS_ENDPOINT_URL_STS: url }
    const { stderr } = await init(here({ ...env, AWS_ENDPOINT_URL_KMS: url }))
    expect(stderr).toContain(`${url} (AWS_ENDPOINT_URL_KMS) refused the connection (ECONNREFUSED)`)
  })

  it('reports a host name that does not exist', async () => {
    const env = here({ AWS_ENDPOINT_URL_KMS: 'http://kms.invalid' })
    const { code, stderr } = await init(env)
    expect(stderr).toMatch(
      /name of http:\/\/kms\.invalid \(AWS_ENDPOINT_URL_KMS\) could not be resolved.*\[KMS_UNREACHABLE\]/,
    )
    expect(code).toBe(3)
  })
})

const canBecomeOther = process.getuid?.() === 0

describe.skipIf(!canBecomeOther)(
  'a user id without a passwd entry and without HOME (as root)',
  () => {
    it('creates a secrets file and sets a value, with a warning about pins', async () => {
      const other = await workspace()
      await chmod(other.folder, 0o777)
      await chmod(join(other.folder, '..'), 0o777)
      await chmod(dirname(other.command([])[1]!), 0o755)
      const env = here({ HOME: undefined, XDG_STATE_HOME: undefined })
      const made = await other.cli(['init', '--key', keyId, '--no-types'], { env, uid: 54_321 })
      expect(made).toMatchObject({ code: 0 })
      const set = await other.cli(['set', 'DB'], { env, uid: 54_321, stdin: 'value-of-nobody' })
      expect(set.stderr).toContain('UNPLUGIN_KMS_PIN')
      expect(set).toMatchObject({ code: 0 })
      expect(await other.cli(['get', 'DB'], { env, uid: 54_321 })).toMatchObject({
        code: 0,
        stdout: 'value-of-nobody',
      })
    })
  },
)

const hasMoto = spawnSync('moto_server', ['--help']).status === 0

describe.skipIf(!hasMoto)('moto, which cannot create data key pairs (needs moto_server)', () => {
  it('lets init create the pair locally and wrap it with kms:Encrypt', async () => {
    const port = await closedPort()
    const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-moto-'))
    const moto = spawn('moto_server', ['-p', `${port}`], {
      cwd: folder,
      stdio: 'ignore',
      env: { PATH: process.env.PATH, HOME: folder },
    })
    try {
      const endpoint = `http://127.0.0.1:${port}`
      const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
      const client = new KMSClient({ region: 'us-east-1', endpoint, credentials, maxAttempts: 1 })
      // Its first answers may fail while it loads the service.
      const create = () =>
        client.send(new CreateKeyCommand({})).then(
          ({ KeyMetadata }) => KeyMetadata!.Arn!,
          () => '',
        )
      let arn = ''
      await expect.poll(async () => (arn = await create())).toContain('arn:')
      const env = here({ AWS_ENDPOINT_URL_KMS: endpoint })
      const file = space.path('moto.json')
      const args = ['--key', arn, '--no-types', '--file', file]
      expect(await space.cli(['init', ...args], { env })).toMatchObject({ code: 0 })
      expect(
        await space.cli(['set', 'DB', '--file', file], { env, stdin: 'by-moto' }),
      ).toMatchObject({ code: 0 })
      expect(await space.cli(['get', 'DB', '--file', file], { env })).toMatchObject({
        stdout: 'by-moto',
      })
    } finally {
      moto.kill()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
