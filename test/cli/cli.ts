import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import type { LocalKms } from '@unplugin-kms/local-kms'
import { initSecretsFile, setSecrets, type InitOptions } from '../../src/index.js'

/** Built from the sources by build-program.ts. */
const program = inject('program')

export interface Ran {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** Undefined: not set, though it is in a workspace. */
  env?: Record<string, string | undefined>
  stdin?: string | Uint8Array
  /** Put before `node`: a shell with a limit, a network namespace. */
  wrapper?: string[]
  nodeOptions?: string[]
  uid?: number
}

export interface Workspace {
  folder: string
  /** What every command gets: no AWS, and a state folder of its own. */
  env: Record<string, string>
  /** Runs `unplugin-kms` in a pipe. */
  cli: (args: string[], options?: RunOptions) => Promise<Ran>
  /** How to start it, for who does so himself. */
  command: (args: string[], options?: RunOptions) => string[]
  path: (name: string) => string
}

const command = (args: string[], { wrapper = [], nodeOptions = [] }: RunOptions = {}) => [
  ...wrapper,
  process.execPath,
  ...nodeOptions,
  program,
  ...args,
]

/** Creates a project in a temporary folder, which is removed after the test run. */
export async function workspace(
  files: Record<string, string | Uint8Array> = {},
): Promise<Workspace> {
  const base = await mkdtemp(join(inject('workspaces'), 'workspace-'))
  const folder = join(base, 'project')
  await mkdir(folder)
  for (const [name, content] of Object.entries({ 'package.json': '{}', ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  const env = {
    PATH: process.env.PATH!,
    HOME: join(base, 'home'),
    XDG_STATE_HOME: join(base, 'state'),
    TMPDIR: tmpdir(),
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_COLOR: '1',
  }
  return {
    folder,
    env,
    command,
    path: (name) => join(folder, name),
    cli: (args, options = {}) =>
      run(command(args, options), folder, { ...env, ...options.env }, options),
  }
}

/** Creates a secrets file as `init` and `set` do, and remembers its keys, without a process for each. */
export async function createSecretsFile(
  { path, env }: Workspace,
  kms: Pick<LocalKms, 'url' | 'region' | 'admin'>,
  options: Pick<InitOptions, 'keyIds' | 'encryptionContext'>,
  entries: Record<string, string> = {},
): Promise<void> {
  const secretsFile = path('kms-secrets.json')
  const { accessKeyId, secretAccessKey } = kms.admin.credentials
  const credentials = { accessKeyId, secretAccessKey }
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = env.XDG_STATE_HOME
  try {
    const aws = { endpoint: kms.url, region: kms.region, credentials }
    await initSecretsFile({ secretsFile, aws, ...options })
    if (Object.keys(entries).length)
      await setSecrets(new Map(Object.entries(entries)), { secretsFile })
  } finally {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  }
}

function run(
  [file, ...args]: string[],
  cwd: string,
  env: Record<string, string | undefined>,
  { stdin = '', uid }: RunOptions,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { cwd, env, ...(uid !== undefined && { uid, gid: uid }) })
    const out = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text) => (out.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (out.stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...out }))
    child.stdin.on('error', () => {}).end(stdin)
  })
}
