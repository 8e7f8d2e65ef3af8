import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Workspace } from './cli.js'

export interface InTerminal {
  code: number
  output: string
  /** Whether the terminal is as it was before. */
  restored: boolean
}

/** Runs a command in a terminal; each step waits for a text and then types. */
export function inTerminal(
  space: Workspace,
  args: string[],
  steps: [string, string][] = [],
  environment: Record<string, string> = {},
  columns = 80,
): Promise<InTerminal> {
  const { NO_COLOR: _, ...env } = {
    ...space.env,
    ...environment,
    TERM: 'xterm-256color',
  } as Record<string, string>
  const task = JSON.stringify({
    command: space.command(args),
    cwd: space.folder,
    env,
    columns,
    steps,
  })
  return new Promise((resolve, reject) => {
    const child = execFile(
      'python3',
      [fileURLToPath(new URL('terminal.py', import.meta.url))],
      (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout) as InTerminal)),
    )
    child.stdin!.end(task)
  })
}
