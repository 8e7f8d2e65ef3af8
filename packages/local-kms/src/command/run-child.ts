import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** Those that a terminal sends to all that run in it, the child too. */
const OF_TERMINAL: readonly string[] = ['SIGINT', 'SIGQUIT', 'SIGHUP']

/**
 * Runs a command with the terminal of this process, and passes signals on to it.
 *
 * @returns its exit code; 128 and the signal's number when a signal ended it, as shells have it;
 *   127 when there is no such command
 */
export function runChild(
  [command = '', ...args]: string[],
  env: Readonly<Record<string, string | undefined>>,
  complain: (message: string) => void,
): Promise<number> {
  const child = spawn(command, args, {
    stdio: 'inherit',
    env: { ...process.env, ...env },
    // Windows finds npm and its like (.cmd files) through its shell alone.
    shell: process.platform === 'win32',
  })
  const handlers = SIGNALS.map((signal) => {
    const pass = (): void => {
      // Ctrl-C twice would be once too often.
      if (!OF_TERMINAL.includes(signal) || !process.stdin.isTTY) child.kill(signal)
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
