import { configurationError, contactOf, deadlineError, rememberContact } from './aws-error.js'

const VARIABLE = 'UNPLUGIN_KMS_AWS_TIMEOUT_MS'
const DEFAULT_MS = 30_000
/** Services that throttle get more time for retries. */
const PATIENT_FACTOR = 4
const ATTEMPT_MS = 10_000

/**
 * Returns the time limit of one AWS call of a build or command, in milliseconds, retries included.
 *
 * @throws an Error named `AwsConfigurationError` for a value that is not a number of milliseconds.
 */
export function callTimeout(isPatient = false, env = process.env): number {
  const text = env[VARIABLE]
  if (text && !(/^\d{1,9}$/.test(text) && Number(text) > 0))
    throw configurationError(`${VARIABLE} is not a whole number of milliseconds, 1 or more.`)
  return Number(text || DEFAULT_MS) * (isPatient ? PATIENT_FACTOR : 1)
}

/** Returns the time limit of one attempt, in milliseconds: a third, so that two retries fit. */
export const attemptTimeout = () => Math.min(ATTEMPT_MS, Math.ceil(callTimeout() / 3))

/**
 * Runs a call and aborts it at its deadline.
 *
 * @param isPaused returns whether a person is being asked. If so, the time starts again.
 * @throws an Error named `AwsDeadlineError`, or the error of the call.
 */
export async function withDeadline<T>(
  ms: number,
  call: (signal: AbortSignal) => Promise<T>,
  isPaused: () => boolean = () => false,
): Promise<T> {
  const { signal, abort } = abortable()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const expire = () => {
      if (isPaused()) return start()
      const error = deadlineError(`no complete answer within ${ms / 1000} s`)
      const contact = contactOf(signal)
      if (contact) rememberContact(error, contact)
      reject(error)
      return abort()
    }
    const start = () => void (timer = setTimeout(expire, ms))
    start()
  })
  try {
    return await Promise.race([call(signal), late])
  } finally {
    clearTimeout(timer)
  }
}

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
