import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { KmsBuildError } from '../errors.js'
import type { ModuleFormat } from './marks-in.js'
import type { OptionsSource } from './options.js'

/** The module whose synchronous marks are opened. */
export interface BlockingRequest {
  source: OptionsSource
  path: string
  format: ModuleFormat
}

/** What the worker thread answers. */
export type BlockingAnswer =
  | { plaintexts: Uint8Array[] }
  | { error: { name: string; message: string; code?: string } }

/** Every call to AWS ends long before. */
const LIMIT_MS = 300_000

/**
 * Opens the synchronous marks of a module in a worker thread, and blocks this one meanwhile.
 *
 * @throws KmsBuildError OPTIONS_INVALID if the options cannot be sent to a thread, and the errors of
 *   the marks.
 */
export function openBlocking(request: BlockingRequest): Uint8Array[] {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const worker = startWorker({ request, flag, port: port2 }, port2)
  worker.unref()
  Atomics.wait(flag, 0, 0, LIMIT_MS)
  const answer = receiveMessageOnPort(port1)?.message as BlockingAnswer | undefined
  port1.close()
  void worker.terminate()
  if (!answer) throw new Error(`the marks of ${request.path} were not opened in ${LIMIT_MS} ms`)
  if ('plaintexts' in answer) return answer.plaintexts
  const { message, ...facts } = answer.error
  const error = Object.assign(new Error(message), facts)
  // The trace would show the thread's wait, which is not the cause.
  error.stack = `${error.name}: ${message}`
  throw error
}

function startWorker(workerData: object, port: MessagePort): Worker {
  // Without the modules that the parent preloads, which would run again.
  const { NODE_OPTIONS: _, ...env } = process.env
  try {
    return new Worker(new URL('../testing/blocking-worker.js', import.meta.url), {
      env,
      execArgv: [],
      workerData,
      transferList: [port],
    })
  } catch (error) {
    if ((error as Error).name !== 'DataCloneError') throw error
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      'a module with marks of unplugin-kms/secret/sync cannot use options with functions, since a thread opens them. Put the options into unplugin-kms.config.js.',
      undefined,
      { cause: error },
    )
  }
}

type MessagePort = MessageChannel['port1']
