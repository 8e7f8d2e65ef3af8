import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** Signals that a terminal also sends to the child process. */
const OF_TERMINAL: readonly string[] = ['SIGINT', 'SIGQUIT', 'SIGHUP']

/**
 * Runs a command in the terminal of this process, and forwards signals to it.
 *
 * @returns its exit code; as in shells, 128 plus the signal's number after a signal, and 127 if the
 *   command does not exist
 */
export function runChild(
  [command = '', ...args]: string[],
  env: Readonly<Record<string, string | undefined>>,
  complain: (message: string) => void,
): Promise<number> {
  const child = spawn(command, args, {
    stdio: 'inherit',
    env: { ...process.env, ...env },
    // Windows needs a shell to run .cmd files such as npm.
    shell: process.platform === 'win32',
  })
  const handlers = SIGNALS.map((signal) => {
    const pass = (): void => {
      // The terminal already sent Ctrl-C to the child.
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
