import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { afterAll } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The program as the sources stand; in the repository, so that it finds its packages. */
const program = (() => {
  const folder = mkdtempSync(join(root, 'node_modules', '.unplugin-kms-cli-'))
  buildSync({
    entryPoints: [join(root, 'src/cli/index.ts')],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'index.js')
})()

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

const bases: string[] = []
afterAll(() => Promise.all(bases.map((base) => rm(base, { recursive: true, force: true }))))

/** A project of its own in a temporary folder, gone after the tests of the file. */
export async function workspace(
  files: Record<string, string | Uint8Array> = {},
): Promise<Workspace> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'unplugin-kms-cli-')))
  bases.push(base)
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
