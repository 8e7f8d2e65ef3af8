import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { credentialsError } from '../aws/aws-error.js'
import { askMfaCode, askMfaCodeWith } from '../aws/mfa.js'
import { nameFlags } from '../aws/option-name.js'
import { KmsBuildError, type BuildErrorCode } from '../errors.js'
import type { Fleet, FleetOptions } from './types.js'

/** The heap of the worker. Within it, garbage is collected early: the process stays small. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 1 }

type FromWorker =
  | { progress: [done: number, known: number] }
  | { mfaSerial: string }
  | { fleet: Fleet }
  | { error: { code?: BuildErrorCode; name: string; text: string; stack: string } }

type ToWorker = { mfaCode: string } | { mfaProblem: string }

/**
 * Examines a fleet for a command, in a worker thread with a small heap: the memory does not grow with
 * the number of functions. If one of them needs more (a secret of many megabytes), starts again
 * without the limit.
 *
 * @param options without functions, but for `onProgress`.
 * @throws what `examineFleet` throws.
 */
export async function examineFleetInWorker(
  options: FleetOptions,
  limits: typeof LIMITS = LIMITS,
): Promise<Fleet> {
  try {
    return await run(options, limits)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error
    return run(options)
  }
}

function run(
  { onProgress, ...options }: FleetOptions,
  resourceLimits?: typeof LIMITS,
): Promise<Fleet> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { unpluginKmsFleet: options },
    ...(resourceLimits && { resourceLimits }),
  })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  const answer = (message: ToWorker) => worker.postMessage(message)
  return new Promise<Fleet>((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', () => reject(new Error('the worker ended early')))
    worker.on('message', (message: FromWorker) => {
      if ('progress' in message) onProgress?.(...message.progress)
      else if ('fleet' in message) resolve(message.fleet)
      else if ('error' in message) reject(errorOf(message.error))
      else
        askMfaCode(message.mfaSerial).then(
          (mfaCode) => answer({ mfaCode }),
          (error: Error) => answer({ mfaProblem: error.message }),
        )
    })
  }).finally(() => worker.terminate())
}

function errorOf({ code, name, text, stack }: Extract<FromWorker, { error: unknown }>['error']) {
  return code ? new KmsBuildError(code, text) : Object.assign(new Error(text), { name, stack })
}

/** The worker's side. */
async function work(options: FleetOptions): Promise<void> {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  const send = (message: FromWorker) => parentPort!.postMessage(message)
  nameFlags()
  askMfaCodeWith(async (mfaSerial) => {
    const answered = new Promise<ToWorker>((resolve) => parentPort!.once('message', resolve))
    send({ mfaSerial })
    const answer = await answered
    if ('mfaProblem' in answer) throw credentialsError(answer.mfaProblem)
    return answer.mfaCode
  })
  try {
    // Not in the main thread, whose heap has no limit.
    const { examineFleet } = await import('./fleet.js')
    send({
      fleet: await examineFleet({ ...options, onProgress: (...progress) => send({ progress }) }),
    })
  } catch (error) {
    const { name, message, stack = '' } = error as Error
    const code = error instanceof KmsBuildError ? error.code : undefined
    // The error adds its code to the message again.
    const text = code ? message.replace(` [${code}]`, '') : message
    send({ error: { ...(code && { code }), name, text, stack } })
  }
}

const task = isMainThread
  ? undefined
  : (workerData as { unpluginKmsFleet?: FleetOptions } | null)?.unpluginKmsFleet
if (task) void work(task)
