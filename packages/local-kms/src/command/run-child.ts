import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** What would lead a client past the endpoint, or give it other credentials than ours. */
const MISLEADING = new Set([
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
])

/**
 * Runs a command with the terminal of this process, and passes signals on to it.
 *
 * @returns its exit code; 128 and the signal's number when a signal ended it, as shells have it;
 *   127 when there is no such command
 */
export function runChild(
  [command = '', ...args]: string[],
  env: Record<string, string>,
  complain: (message: string) => void,
): Promise<number> {
  const inherited = Object.entries(process.env).filter(([name]) => !MISLEADING.has(name))
  const child = spawn(command, args, {
    stdio: 'inherit',
    env: { ...Object.fromEntries(inherited), ...env },
    // Windows finds npm and its like (.cmd files) through its shell alone.
    shell: process.platform === 'win32',
  })
  const handlers = SIGNALS.map((signal) => {
    const pass = (): void => {
      // A terminal's own signals (Ctrl-C) reach the child too; twice would be once too often.
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal)
    }
    process.on(signal, pass)
    return () => process.off(signal, pass)
  })
  return new Promise<number>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      complain(`cannot run ${command}: ${error.message}`)
      resolve(error.code === 'ENOENT' ? 127 : 126)
    })
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  }).finally(() => handlers.forEach((off) => off()))
}
