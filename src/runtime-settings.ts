import type { Settings } from '@unplugin-kms/runtime/shim'

const KNOWN: Record<keyof Settings, (value: unknown) => boolean> = {
  start: (value) => value === 'load' || value === 'first-use',
  attemptTimeoutMs: whole,
  deadlineMs: whole,
  maxAttempts: whole,
  insecureHosts: (value) => Array.isArray(value) && value.every(isHost),
}

const ALLOWED: Record<keyof Settings, string> = {
  start: "'load' or 'first-use'",
  attemptTimeoutMs: 'a whole number of milliseconds, 1 or more',
  deadlineMs: 'a whole number of milliseconds, 1 or more',
  maxAttempts: 'a whole number, 1 or more',
  insecureHosts: "a list of host names, without scheme and port: ['localstack']",
}

/**
 * What is wrong with the option `runtime`, or nothing. A mistake in it would first be seen in
 * production, as a secret that does not open.
 */
export function mistakeInRuntime(settings: Settings): string | undefined {
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(KNOWN, name))
      return `there is no option runtime.${name}. The options are ${Object.keys(KNOWN).join(', ')}.`
    if (value !== undefined && !KNOWN[name as keyof Settings](value))
      return `option runtime.${name} is ${JSON.stringify(value)}. Allowed: ${ALLOWED[name as keyof Settings]}.`
  }
}

// Longer than that, and node's timers fire at once.
function whole(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31
}

/** As the shim compares it with the address's. */
function isHost(value: unknown): boolean {
  try {
    return new URL(`http://${value}`).hostname === value
  } catch {
    return false
  }
}
