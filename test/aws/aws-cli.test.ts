import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kmsCalls } from '../../src/aws/kms.js'
import { shareOf } from '../support/combinations.js'
import { ENDPOINTS, HOSTS, IDENTITIES, REGIONS, type Row } from './rows.js'

/** Without it the rows are tested against what they expect alone. */
const hasAwsCli = spawnSync('aws', ['--version']).status === 0

const START_URL = 'https://acme.awsapps.com/start'
const KEYED = [...REGIONS, ...IDENTITIES, ...ENDPOINTS]
const REGION_NAMES = ['us-east-1', 'eu-west-1', 'eu-central-1']
const allow = (Action: string | string[], extra = {}) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*', ...extra }],
})

let base: string
let a: LocalKms
let b: LocalKms
let credentialServer: Server
let proxy: Server
/** What the rows' placeholders stand for. */
let values: Record<string, string>
/** The targets that each row's proxy user asked for. */
const asked = new Map<string, string[]>()
/** The AWS CLI takes half a second of CPU time: `npm test` asks it about every tenth row. */
const COMPARED = new Set(shareOf([...KEYED, ...HOSTS], 0, 10))
/** What the AWS CLI did, by the row's title. */
const byAwsCli = new Map<string, string>()

const addressOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`
const listening = (server: Server) =>
  new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'unplugin-kms-aws-'))
  a = await startLocalKms()
  b = await startLocalKms({ accountId: '444455556666' })
  await Promise.all(
    [a, b].flatMap((kms) =>
      KEYED.flatMap((_, row) =>
        REGION_NAMES.map((region) => kms.createKey({ alias: `alias/row-${row}`, region })),
      ),
    ),
  )
  const users = Object.fromEntries(
    ['dev', 'ci'].map((name) => {
      const user = a.createUser({ name, policies: [allow(['kms:DescribeKey', 'sts:AssumeRole'])] })
      return [name, user.credentials]
    }),
  )
  // The other endpoint knows the same user.
  const elsewhere = b.createUser({ name: 'ci', policies: [allow('kms:DescribeKey')] }).credentials
  const { arn: deploy } = a.createRole({ name: 'deploy', policies: [allow('kms:DescribeKey')] })
  const { arn: first } = a.createRole({ name: 'first', policies: [allow('sts:AssumeRole')] })
  const oidc = a.createOidcProvider('https://ci.example.com')
  const { arn: web } = a.createRole({
    name: 'web',
    policies: [allow('kms:DescribeKey')],
    trust: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: oidc.arn },
          Action: 'sts:AssumeRoleWithWebIdentity',
        },
      ],
    },
  })
  const session = a.credentialsOf(deploy)
  credentialServer = createServer((request, response) => {
    const isContainer = request.url === '/container'
    if (isContainer && request.headers.authorization !== 'authorized')
      return response.writeHead(403).end()
    const Expiration = new Date(Date.now() + 3_600_000).toISOString()
    const answer = isContainer
      ? {
          AccessKeyId: session.accessKeyId,
          SecretAccessKey: session.secretAccessKey,
          Token: session.sessionToken,
          Expiration,
        }
      : { roleCredentials: { ...session, expiration: Date.now() + 3_600_000 } }
    response.setHeader('content-type', 'application/json')
    return response.end(JSON.stringify(answer))
  })
  proxy = createServer().on('connect', (request, socket) => {
    const { 'proxy-authorization': authorization = '' } = request.headers
    const user = Buffer.from(authorization.split(' ')[1] ?? '', 'base64')
      .toString()
      .split(':')[0]!
    asked.set(user, [...(asked.get(user) ?? []), request.url!])
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await Promise.all([listening(credentialServer), listening(proxy)])
  values = {
    a: a.url,
    b: b.url,
    sso: `http://${addressOf(credentialServer)}`,
    proxy: `http://${addressOf(proxy)}`,
    role: deploy,
    first,
    web,
    jwt: oidc.token({ sub: 'repo', aud: 'sts.amazonaws.com' }),
    'session.id': session.accessKeyId,
    'session.secret': session.secretAccessKey,
    'session.token': session.sessionToken!,
    'elsewhere.id': elsewhere.accessKeyId,
    'elsewhere.secret': elsewhere.secretAccessKey,
  }
  for (const [name, { accessKeyId, secretAccessKey }] of Object.entries(users))
    Object.assign(values, { [`${name}.id`]: accessKeyId, [`${name}.secret`]: secretAccessKey })
})

afterAll(async () => {
  await Promise.all([a.close(), b.close(), rm(base, { recursive: true, force: true })])
  credentialServer.close()
  proxy.close()
})

const fill = (text: string) =>
  text.replace(/\{([\w.]+)\}/g, (whole, name: string) => values[name] ?? whole)

/** Writes a row's files, and returns the environment of both programs. */
async function prepare(row: Row, id: string, extra: Record<string, string> = {}) {
  const dir = join(base, id)
  const here = (text: string) => fill(text.replaceAll('{dir}', dir))
  await mkdir(join(dir, '.aws/sso/cache'), { recursive: true })
  const files = {
    '.aws/config': row.config ?? '',
    '.aws/credentials': row.credentials ?? '',
    [`.aws/sso/cache/${createHash('sha1').update(START_URL).digest('hex')}.json`]: JSON.stringify({
      startUrl: START_URL,
      region: 'us-east-1',
      accessToken: 'token-of-the-session',
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    }),
    ...row.files,
  }
  for (const [name, content] of Object.entries(files))
    await writeFile(join(dir, name), here(content))
  const env = Object.entries({ ...extra, ...row.env }).map(([name, value]) => [name, here(value)])
  return {
    PATH: process.env.PATH!,
    HOME: dir,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    UNPLUGIN_KMS_AWS_TIMEOUT_MS: '4000',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...(Object.fromEntries(env) as Record<string, string>),
  }
}

/** Runs `aws kms describe-key`. @returns the key's ARN, or undefined if it fails. */
function awsCli({ profile, region }: Row, keyId: string, env: Record<string, string>) {
  const flags = [
    ...(profile ? ['--profile', profile] : []),
    ...(region ? ['--region', region] : []),
  ]
  const limits = ['--cli-connect-timeout', '3', '--cli-read-timeout', '3']
  const args = [
    'kms',
    'describe-key',
    '--key-id',
    keyId,
    '--query',
    'KeyMetadata.Arn',
    '--output',
    'text',
  ]
  return new Promise<string | undefined>((resolve) => {
    execFile('aws', [...args, ...flags, ...limits], { env }, (error, stdout) =>
      resolve(error ? undefined : stdout.trim()),
    )
  })
}

/** Asks KMS as a build or command would. @returns the key's ARN, or undefined if it fails. */
async function ours({ profile, region }: Row, keyId: string, env: Record<string, string>) {
  const before = process.env
  process.env = env
  try {
    return await kmsCalls({ ...(profile && { profile }), ...(region && { region }) }).describeKey(
      keyId,
    )
  } catch (error) {
    // Whatever is wrong with a configuration, the error is one of ours.
    expect(error).toHaveProperty('code', expect.stringMatching(/^(KMS|AWS|CREDENTIALS)_/))
    return undefined
  } finally {
    process.env = before
  }
}

/** `user/dev us-east-1`: the caller that the journal has for a key, its region, and the endpoint. */
function outcome(arn: string | undefined): string {
  if (arn === undefined) return 'fails'
  const kms = arn.split(':')[4] === a.accountId ? a : b
  const { principal = '' } = kms.journal.findLast(({ keyArn }) => keyArn === arn)!
  const caller = principal
    .replace(/^.*:assumed-role\/(\w+)\/.*$/, 'role/$1')
    .replace(/^.*:user\//, 'user/')
  return `${caller} ${arn.split(':')[3]}${kms === b ? ' b' : ''}`
}

const proxied = (user: string) => ({
  HTTPS_PROXY: `http://${user}:x@${addressOf(proxy)}`,
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
})
const hostOf = (user: string) => asked.get(user)?.[0] ?? 'none'

/** Runs so many at a time: the AWS CLI takes a second of CPU time. */
async function inParallel<T>(items: T[], run: (item: T, index: number) => Promise<void>) {
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) await run(item, index)
  }
  await Promise.all([worker(), worker(), worker()])
}

beforeAll(async () => {
  if (!hasAwsCli) return
  await inParallel(KEYED, async (row, index) => {
    if (!COMPARED.has(row)) return
    const arn = await awsCli(row, `alias/row-${index}`, await prepare(row, `cli-${index}`))
    byAwsCli.set(row.it, outcome(arn))
  })
  await inParallel(HOSTS, async (row, index) => {
    if (!COMPARED.has(row)) return
    const user = `cli-${index}`
    await awsCli(row, 'alias/app', await prepare(row, `cli-host-${index}`, proxied(user)))
    byAwsCli.set(row.it, hostOf(user))
  })
})

/** @returns whether the row is compared with the AWS CLI too. */
const isCompared = (row: Row) => hasAwsCli && row.differs === undefined && COMPARED.has(row)

describe.each([
  ['region', REGIONS],
  ['identity', IDENTITIES],
  ['endpoint', ENDPOINTS],
])('the %s of a build or command, as in the AWS CLI:', (_, rows) => {
  it.each(rows)('$it', async (row) => {
    const index = KEYED.indexOf(row)
    const arn = await ours(row, `alias/row-${index}`, await prepare(row, `ours-${index}`))
    expect(outcome(arn)).toBe(row.expect)
    if (isCompared(row)) expect(byAwsCli.get(row.it)).toBe(row.expect)
  })
})

describe('requests of a build or command go where those of the AWS CLI go:', () => {
  it.each(HOSTS)('$it', async (row) => {
    const user = `ours-${HOSTS.indexOf(row)}`
    await ours(row, 'alias/app', await prepare(row, `${user}-host`, proxied(user)))
    expect(hostOf(user)).toBe(row.expect)
    if (isCompared(row)) expect(byAwsCli.get(row.it)).toBe(row.expect)
  })
})
