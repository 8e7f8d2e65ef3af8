import { spawnSync } from 'node:child_process'

/**
 * Checks that a program is installed. Returns an empty string, or the reason for the title of the
 * tests that are skipped.
 */
export function whyMissing(command: string, ...args: string[]): string {
  const { error, status } = spawnSync(command, args, { stdio: 'ignore' })
  return error === undefined && status === 0
    ? ''
    : ` (skipped: ${[command, ...args].join(' ')} does not run here)`
}

/** Returns the environment of a program, without AWS variables except the given ones. */
export function peerEnvironment(env: Record<string, string> = {}): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...env,
  }
}
