import { spawnSync } from 'node:child_process'

/**
 * Why a peer program cannot take part here: empty when it can, or else a remark for the title of
 * the tests that are skipped for it.
 */
export function whyMissing(command: string, ...args: string[]): string {
  const { error, status } = spawnSync(command, args, { stdio: 'ignore' })
  return error === undefined && status === 0
    ? ''
    : ` (skipped: ${[command, ...args].join(' ')} does not run here)`
}

/** The environment of a peer program: nothing of AWS in it but what is given. */
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
