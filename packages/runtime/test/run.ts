import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface RunOptions {
  /** The complete environment except for PATH. */
  env?: NodeJS.ProcessEnv
  args?: string[]
  command?: string
}

/** Starts a bundle in a process of its own. */
export function start(file: string, { env, args = [], command = process.execPath }: RunOptions) {
  const child = spawn(command, [...args, file], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { output: '', errors: '' }
  child.stdout.on('data', (part) => (printed.output += part))
  child.stderr.on('data', (part) => (printed.errors += part))
  return { child, ended: once(child, 'close').then(([code]) => ({ code, ...printed })) }
}

/** Runs a bundle until it ends by itself. */
export const run = (file: string, options: RunOptions) => start(file, options).ended
