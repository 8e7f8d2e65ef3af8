import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseFault } from '../../packages/local-kms/src/command/fault-spec.js'
import { run } from '../../src/cli/program.js'
import { shareOf } from '../support/combinations.js'

const SECRET = 'value-that-no-error-shows'

let kms: LocalKms
let keyId: string
let root: string
const environment = process.env

beforeAll(async () => {
  kms = await startLocalKms()
  keyId = (await kms.createKey({ alias: 'alias/app' })).arn
  root = await mkdtemp(join(tmpdir(), 'unplugin-kms-faults-'))
  process.env = {
    ...environment,
    ...kms.env,
    HOME: root,
    XDG_STATE_HOME: root,
    AWS_EC2_METADATA_DISABLED: 'true',
    UNPLUGIN_KMS_AWS_TIMEOUT_MS: '3000',
    SECRET,
  }
  await writeFile(
    join(root, 'main.ts'),
    `import { secret } from 'unplugin-kms/secret'\nexport const a = secret.env('SECRET')\n`,
  )
  await command('init', '--key', keyId, '--file', file(), '--no-types')
  await writeFile(join(root, 'value'), SECRET)
  await command('set', 'DB', '--file', file(), '--from-file', join(root, 'value'))
})
afterAll(async () => {
  process.env = environment
  await kms.close()
  await rm(root, { recursive: true, force: true })
})
afterEach(() => {
  kms.faults.clear()
  process.exitCode = undefined
})

const file = () => join(root, 'kms-secrets.json')

/** Runs a command in this process. */
async function command(...args: string[]) {
  const output: string[] = []
  const write = ((chunk: string | Uint8Array) => {
    output.push(String(chunk))
    return true
  }) as typeof process.stdout.write
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(write),
  )
  try {
    return { code: await run(args), output: output.join('') }
  } finally {
    spies.forEach((spy) => spy.mockRestore())
  }
}

const COMMANDS = {
  build: () =>
    command('build', join(root, 'main.ts'), '--outdir', join(root, 'out'), '--key', keyId),
  get: () => command('get', 'DB', '--file', file()),
  rotate: () => command('rotate', '--file', file()),
  doctor: () => command('doctor', '--file', file(), '--decrypt'),
}
const names = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]

/** Faults that retries overcome. */
const PASSING = [
  'latency:50ms',
  'clock:20m',
  'reset:after',
  'throttle*1',
  'error:KMSInternalException:500*1',
  'reset:before*1',
  'body:html:503*1',
]

/** Answers of AWS. */
const REFUSED: [fault: string, code: string][] = [
  ['throttle', 'KMS_FAILED'],
  ['error:KMSInternalException:500', 'KMS_FAILED'],
  ['error:DisabledException:400', 'KMS_FAILED'],
  ['error:AccessDeniedException:400', 'KMS_DENIED'],
  ['error:UnrecognizedClientException:400', 'KMS_DENIED'],
  ['error:ExpiredTokenException:400', 'KMS_DENIED'],
]

/** Nothing that AWS answered, and what the error reports. */
const UNREACHED: [fault: string, reported: RegExp][] = [
  ['hang', /did not answer in time/],
  ['latency:20s', /did not answer in time/],
  ['reset:before', /closed the connection \(ECONNRESET\)/],
  ['reset:during', /closed the connection \(ECONNRESET\)/],
  ['body:truncated', /is not from AWS \(HTTP 200/],
  ['body:malformed', /is not from AWS \(HTTP 200/],
  ['body:html', /is not from AWS \(HTTP 200, text\/html\)/],
  ['body:html:403', /is not from AWS \(HTTP 403, text\/html\)/],
  ['body:html:503', /is not from AWS \(HTTP 503, text\/html\)/],
  ['body:empty', /is not from AWS \(HTTP 200/],
  ['body:empty:502', /is not from AWS \(HTTP 502/],
  ['body:malformed:400', /is not from AWS \(HTTP 400/],
]

const withFault = async (name: keyof typeof COMMANDS, fault: string) => {
  kms.faults.add(parseFault(`*=${fault}`))
  const before = await readFile(file(), 'utf8')
  const ran = await COMMANDS[name]()
  expect(ran.output.replaceAll(`${SECRET}\n`, '')).not.toContain(name === 'get' ? '\0' : SECRET)
  if (ran.code !== 0) expect(await readFile(file(), 'utf8')).toBe(before)
  return ran
}

describe.each(names)('%s', (name) => {
  const at = names.indexOf(name)

  it.each(shareOf(PASSING, at, 2))('succeeds with the fault %s', async (fault) => {
    const ran = await withFault(name, fault)
    expect(ran, ran.output).toMatchObject({ code: 0 })
  })

  it.each(shareOf(REFUSED, at, 2))(
    'reports the fault %s as AWS’s own refusal',
    async (fault, code) => {
      const ran = await withFault(name, fault)
      // doctor goes on to say what the refusal means for each check.
      if (name === 'doctor') expect([1, 3]).toContain(ran.code)
      else expect(ran).toMatchObject({ code: 3, output: expect.stringContaining(`[${code}]`) })
      expect(ran.output).not.toContain('KMS_UNREACHABLE')
    },
  )

  it.each(shareOf(UNREACHED, at, 2))(
    'ends in time with exit code 3 and the fault %s',
    async (fault, reported) => {
      const ran = await withFault(name, fault)
      expect(ran, ran.output).toMatchObject({ code: 3, output: expect.stringMatching(reported) })
      expect(ran.output).toContain(`${kms.url} (AWS_ENDPOINT_URL_`)
      if (name !== 'doctor') expect(ran.output).toContain('[KMS_UNREACHABLE]')
      else expect(ran.output).not.toMatch(/undefined|KMS_FAILED/)
    },
  )
})
