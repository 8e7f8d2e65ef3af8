import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, onTestFinished, it } from 'vitest'
import { runLocal, startLocalKms } from '../../src/index.js'
import { succeed } from '../call.js'
import { bundle } from '../fixtures/bundle.js'
import { temporaryFolder } from '../fixtures/temporary-folder.js'

let program: string
let cwd: string
beforeAll(async () => {
  program = await bundle('../../src/cli.ts')
})
beforeEach(() => {
  cwd = temporaryFolder()
})

const { AWS_SESSION_TOKEN: _, ...clean } = process.env

/** Starts the command line, and collects its output. */
function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...clean, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, ...output }))
  return { child, output, ended }
}

const run = (...args: string[]) => start(args).ended

/** Returns a command that runs JavaScript. */
const node = (script: string): string[] => ['--', process.execPath, '-e', script]

describe('a command that the local KMS runs', () => {
  it('gets endpoints, region and credentials, and its exit code is returned', async () => {
    const script = 'console.log(JSON.stringify(process.env)); process.exitCode = 7'
    const { code, stdout } = await run('--region', 'eu-west-1', ...node(script))
    expect(code).toBe(7)
    const env = JSON.parse(stdout) as Record<string, string>
    expect(env).toMatchObject({ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1' })
    for (const service of ['KMS', 'SSM', 'STS', 'SECRETS_MANAGER', 'IAM', 'LAMBDA', 'EC2']) {
      expect(env[`AWS_ENDPOINT_URL_${service}`]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    }
    expect(env['AWS_ACCESS_KEY_ID']).toMatch(/^AKIA/)
  })

  it('ignores AWS variables of the environment', async () => {
    const script = 'console.log(JSON.stringify(process.env))'
    const astray = {
      AWS_SESSION_TOKEN: 'x',
      AWS_SECURITY_TOKEN: 'x',
      AWS_CREDENTIAL_EXPIRATION: '2020-01-01T00:00:00Z',
      AWS_PROFILE: 'prod',
      AWS_DEFAULT_PROFILE: 'prod',
    }
    const detours = {
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
    }
    const { stdout } = await start(node(script), { ...astray, ...detours }).ended
    const env = JSON.parse(stdout) as Record<string, string>
    for (const name of Object.keys(astray)) expect(env).not.toHaveProperty(name)
    for (const name of Object.keys(detours)) expect(env[name]).toBe('false')
  })

  it('uses the region of AWS_REGION or AWS_DEFAULT_REGION', async () => {
    const script = 'console.log(process.env.AWS_REGION, process.env.AWS_DEFAULT_REGION)'
    const inRegion = async (env: Record<string, string>) =>
      (await start(node(script), env).ended).stdout
    const both = { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' }
    expect(await inRegion(both)).toBe('eu-west-1 eu-west-1\n')
    const one = { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-2' }
    expect(await inRegion(one)).toBe('eu-west-2 eu-west-2\n')
  })

  const SDK_LISTS_KEYS = `const { KMSClient, ListKeysCommand } = require('@aws-sdk/client-kms')
    new KMSClient({ maxAttempts: 1 }).send(new ListKeysCommand({})).then(
      ({ Keys }) => console.log(Keys.length, 'keys'), (error) => console.log(error.message))`

  it('ignores endpoints of the AWS configuration file', async () => {
    const settings = [
      'ignore_configured_endpoint_urls',
      'use_fips_endpoint',
      'use_dualstack_endpoint',
    ]
    const file = join(cwd, 'config')
    writeFileSync(file, `[default]\n${settings.map((name) => `${name} = true\n`).join('')}`)
    const env = {
      AWS_CONFIG_FILE: file,
      NODE_PATH: join(import.meta.dirname, '../../../../node_modules'),
    }
    const { stdout } = await start(node(SDK_LISTS_KEYS), env).ended
    expect(stdout).toBe('0 keys\n')
  })

  it('calls the endpoint without the proxy', async () => {
    const proxy = { HTTP_PROXY: 'http://proxy.example:3128', no_proxy: 'intranet.example' }
    const script = 'console.log(process.env.NO_PROXY, process.env.no_proxy)'
    const { stdout } = await start(node(script), proxy).ended
    expect(stdout).toBe('intranet.example,127.0.0.1 intranet.example,127.0.0.1\n')
  })

  it('stores keys in .kms-local, which git ignores, and finds them again', async () => {
    await run('--key', 'alias/app', ...node(''))
    expect(readFileSync(join(cwd, '.kms-local/.gitignore'), 'utf8')).toBe('*\n')
    const state = readFileSync(join(cwd, '.kms-local/state.json'), 'utf8')
    await run('--key', 'alias/app', ...node(''))
    expect(readFileSync(join(cwd, '.kms-local/state.json'), 'utf8')).toBe(state)
  })

  it('stores nothing with --memory', async () => {
    await run('--memory', '--key', 'alias/app', ...node(''))
    expect(existsSync(join(cwd, '.kms-local'))).toBe(false)
  })

  it('exits with 127 if it does not exist', async () => {
    const { code, stderr } = await run('--', 'no-such-command')
    expect(code).toBe(127)
    expect(stderr).toMatch(/^unplugin-kms local: cannot run no-such-command/)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    'receives %s, and its exit code is returned',
    async (signal) => {
      const script = `process.on('${signal}', () => process.exit(9)); console.log('up'); setInterval(() => {}, 1000)`
      const { child, output, ended } = start(node(script))
      await expect.poll(() => output.stdout).toContain('up')
      child.kill(signal)
      expect((await ended).code).toBe(9)
    },
  )

  it('exits with 128 plus the number of the signal that ended it', async () => {
    const { code } = await run(...node('process.kill(process.pid, "SIGKILL")'))
    expect(code).toBe(137)
  })

  const LIST_KEYS = `fetch(process.env.AWS_ENDPOINT_URL_KMS, {
    method: 'POST', headers: { 'x-amz-target': 'TrentService.ListKeys' }, body: '{}',
  }).then(async (r) => console.log(r.status, await r.text()), (e) => console.log('failed'))`

  it('gets the injected faults, and --verbose prints each call', async () => {
    const args = ['-v', '--fault', 'ListKeys=error:KMSInternalException:500*1']
    const { stdout, stderr } = await run(...args, ...node(LIST_KEYS))
    expect(stdout).toBe('500 {"__type":"KMSInternalException"}\n')
    expect(stderr).toMatch(
      /^kms .* ListKeys KMSInternalException unauthenticated \[fault: error KMSInternalException\]$/m,
    )
  })

  it('can run as a role of a principals file', async () => {
    const principals = {
      roles: [{ name: 'app', policies: [] }],
      users: [{ name: 'bob' }],
    }
    writeFileSync(join(cwd, 'principals.json'), JSON.stringify(principals))
    const script = 'console.log(process.env.AWS_ACCESS_KEY_ID, !!process.env.AWS_SESSION_TOKEN)'
    const as = (who: string) => run('--principals', 'principals.json', '--as', who, ...node(script))
    expect((await as('role/app')).stdout).toMatch(/^ASIA\w+ true$/m)
    expect((await as('user/bob')).stdout).toMatch(/^AKIA\w+ false$/m)
    const missing = await as('role/other')
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('--as role/other')])
  })
})

describe('a local KMS that keeps running', () => {
  it('prints the variables to export, and exits with 0 after a signal', async () => {
    const { child, output, ended } = start(['--port', '0'])
    await expect.poll(() => output.stderr).toContain('The local KMS listens on')
    expect(output.stdout).toMatch(/^export AWS_ENDPOINT_URL_KMS=http:\/\/127\.0\.0\.1:\d+$/m)
    expect(output.stdout).toMatch(/^export AWS_SECRET_ACCESS_KEY=\S+$/m)
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
  })

  it('prints export and unset lines that a shell can evaluate', async () => {
    const astray = { AWS_PROFILE: 'prod', HTTP_PROXY: 'http://p', NO_PROXY: "*.example it's" }
    const { child, output, ended } = start(['--memory', '--port', '0'], astray)
    await expect.poll(() => output.stderr).toContain('The local KMS listens on')
    const script = 'eval "$LINES_SAID"; echo "${AWS_PROFILE-none} $NO_PROXY $AWS_ENDPOINT_URL_KMS"'
    const shell = spawnSync('sh', ['-c', script], {
      env: { ...clean, ...astray, LINES_SAID: output.stdout },
    })
    expect(shell.stdout.toString()).toMatch(
      /^none \*\.example it's,127\.0\.0\.1 http:\/\/127\.0\.0\.1:\d+\n$/,
    )
    child.kill('SIGTERM')
    await ended
  })

  it('locks its folder', async () => {
    const { child, output, ended } = start(['--port', '0'])
    await expect.poll(() => output.stderr).toContain('The local KMS listens on')
    const second = await run(...node(''))
    expect([second.code, second.stderr]).toEqual([
      4,
      expect.stringContaining('is in use by process'),
    ])
    child.kill('SIGTERM')
    await ended
  })
})

/** Runs the command in this process. It exits before it starts a server. */
const said = async (...argv: string[]) => {
  let stderr = ''
  const code = await runLocal(argv, { stdout: () => {}, stderr: (text) => (stderr += text) })
  return { code, stderr }
}

describe('a usage error', () => {
  it.each([
    [[], /specify a command after --, or --port N/],
    [['npm', 'test'], /'npm' is not an option. Put -- before the command/],
    [['--colour', '--', 'x'], /--colour/],
    [['--memory', '--port', 'http'], /--port http: not a port number/],
    [['--memory', '--region', 'nowhere', '--', 'x'], /'nowhere' is not a valid region name/],
    [['--memory', '--fault', 'x', '--', 'x'], /--fault x: invalid syntax/],
    [
      ['--memory', '--fault', 'Decrpt=hang', '--', 'x'],
      /--fault Decrpt=hang: .*this operation is not served/,
    ],
    [['--memory', '--fault', '*=hang@2', '--', 'x'], /--fault \*=hang@2: .*at most 1/],
    [['--memory', '--clock-offset', 'x', '--', 'x'], /--clock-offset x: invalid duration/],
    [['--memory', '--principals', '/nowhere.json', '--', 'x'], /--principals \/nowhere.json/],
    [['--memory', '--key', 'app', '--', 'x'], /--key app: Alias must start with the prefix "alias/],
    [['--memory', '--key', 'alias/aws/s3', '--', 'x'], /--key alias\/aws\/s3: NotAuthorized/],
    [
      ['--memory', '--host', '203.0.113.1', '--', 'x'],
      /cannot listen on 203.0.113.1:0 \(EADDRNOTAVAIL\)/,
    ],
  ])('exits with 2 for %j, and prints what to do', async (argv, message) => {
    const { code, stderr } = await said(...argv)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it.each([
    ['null', 'the file: not an object'],
    ['{"user": []}', "the file: unknown field 'user'. Known fields: users, roles"],
    ['{"users": {}}', 'users: not an array'],
    ['{"roles": [{"name": "a"}, {"name": "b", "policy": []}]}', "roles[1]: unknown field 'policy'"],
    ['{"roles": [{"policies": []}]}', 'roles[0].name: not a string'],
    [
      '{"roles": [{"name": "a", "policies": [{}]}]}',
      'roles[0]: Policy statement must be an object',
    ],
    ['{"users": [{"name": "a", "policies": {}}]}', 'users[0].policies: not an array'],
    ['{', 'JSON'],
  ])('exits with 2 for the principals file %j, and prints the place', async (text, message) => {
    const file = join(cwd, 'principals.json')
    writeFileSync(file, text)
    const { code, stderr } = await said('--memory', '--principals', file, '--', 'x')
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--principals ${file}: `)])
    expect(stderr).toContain(message)
  })

  it('exits with 2 for a port that is in use', async () => {
    const kms = await startLocalKms()
    const { port } = new URL(kms.url)
    const { code, stderr } = await said('--memory', '--port', port)
    expect([code, stderr]).toEqual([2, expect.stringContaining(`127.0.0.1:${port} (EADDRINUSE)`)])
    await kms.close()
  })

  it('creates no key for an invalid alias', async () => {
    const dir = join(cwd, '.kms-local')
    await said('--dir', dir, '--key', 'app', '--', 'x')
    const kms = await startLocalKms({ dir })
    expect((await succeed(kms, 'ListKeys'))['Keys']).toEqual([])
    await kms.close()
  })

  it('exits with 4 for a folder with other files, and does not change it', async () => {
    writeFileSync(join(cwd, '.gitignore'), 'node_modules\n')
    expect(await said('--dir', cwd, '--', 'x')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`${cwd} contains other files`),
    })
    expect(readFileSync(join(cwd, '.gitignore'), 'utf8')).toBe('node_modules\n')
  })

  it('exits with 4 for a corrupt state file, and prints its path', async () => {
    const dir = join(cwd, '.kms-local')
    await run('--key', 'alias/app', ...node(''))
    writeFileSync(join(dir, 'state.json'), '{')
    const { code, stderr } = await said('--dir', dir, '--', 'true')
    expect(code).toBe(4)
    expect(stderr).toContain(join(dir, 'state.json'))
  })

  it('prints the options and exits with 0 for --help', async () => {
    let stdout = ''
    const code = await runLocal(['--help'], {
      stdout: (text) => (stdout += text),
      stderr: () => {},
    })
    expect(code).toBe(0)
    expect(stdout).toContain('--clock-offset')
  })
})
