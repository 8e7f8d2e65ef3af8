import type { MessagePort, Worker } from 'node:worker_threads'
import type { Settings } from './decrypt.js'
import { environment } from './environment.js'
import { errorOf, type Failure } from './error.js'
import { importKey, openMessage, type ImportedKey, type Open } from './open.js'
import type { Fields, Wrapped } from './request.js'
import type { As } from './secret.js'
import { shared } from './shared.js'

export type { As, Settings, Wrapped }

/** The code of sync-worker.ts, which the build of this package inserts. */
declare const WORKER: string

/** One kms:Decrypt, with its retries. */
export interface SyncRequest {
  wrapped: Wrapped[]
  fields: Fields
  settings: Settings
}

type Answer = { bytes: Uint8Array } | { failure: Failure }

interface Thread {
  worker: Worker
  port: MessagePort
  /** 1 after the worker has answered. */
  flag: Int32Array
}

let thread: Thread | undefined

/** Starts the worker thread, without the parent's flags and preloaded modules, which would run again in it. */
function startThread(): Thread {
  const { MessageChannel, Worker } = process.getBuiltinModule('worker_threads')
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const { NODE_OPTIONS: _, ...env } = environment()
  const worker = new Worker(WORKER, {
    eval: true,
    env,
    execArgv: [],
    workerData: { flag, port: port2 },
    transferList: [port2],
  })
  worker.unref()
  port1.unref()
  return { worker, port: port1, flag }
}

/** Ends the worker thread, at the latest when the event loop turns. */
function endThread(ended: Thread): void {
  if (thread === ended) thread = undefined
  void ended.worker.terminate()
}

/**
 * Decrypts one blob and blocks the thread until it is done: a worker thread makes the requests, as
 * the asynchronous shim does, with the same retries. Calls within one turn of the event loop share
 * the worker. A failure is not kept.
 *
 * @param wrapped the blob, wrapped in one or several regions or accounts
 * @param context the encryption context
 * @param settings as for the asynchronous shim; `start` has no effect. The thread's own start comes
 *   on top of `deadlineMs`, and may take 2.5 s.
 * @returns the plaintext
 * @throws Failure, plain facts that {@link envelopeSync} and {@link directSync} turn into an error
 */
export function unwrapSync(
  wrapped: Wrapped[],
  context: Record<string, string>,
  settings: Settings = {},
): Buffer {
  const algorithm = wrapped[0]?.[3]
  const fields = algorithm ? { EncryptionAlgorithm: algorithm } : { EncryptionContext: context }
  const { credentials, agent } = shared()
  if (credentials || agent) {
    const option = credentials ? 'credentials' : 'agent'
    throw {
      code: credentials ? 'CREDENTIALS_MISSING' : 'KMS_UNREACHABLE',
      why: `configure({ ${option} }) has no effect on secrets that are read synchronously`,
    } satisfies Failure
  }
  const answer = ask({ wrapped, fields, settings })
  if ('failure' in answer) throw answer.failure
  const plaintext = Buffer.from(answer.bytes)
  answer.bytes.fill(0)
  return plaintext
}

/** Sends a request to the worker thread and waits for its answer. */
function ask(request: SyncRequest): Answer {
  const { receiveMessageOnPort } = process.getBuiltinModule('worker_threads')
  try {
    if (!thread) {
      const started = startThread()
      thread = started
      // Timers of a test environment may be fake, or missing.
      process.getBuiltinModule('timers').setImmediate(() => endThread(started))
    }
    const { port, flag } = thread
    flag[0] = 0
    port.postMessage(request)
    // In slices, so that a freeze of the process uses up one of them and not the time.
    for (let left = (request.settings.deadlineMs ?? 2500) + 2500; left > 0; left -= 50) {
      if (Atomics.wait(flag, 0, 0, 50) !== 'timed-out') break
    }
    const message = receiveMessageOnPort(port)?.message as Answer | undefined
    if (message) return message
    throw new Error('the worker thread did not answer in time')
  } catch (error: any) {
    if (thread) endThread(thread)
    return { failure: { code: 'KMS_UNREACHABLE', why: error.message } }
  }
}

/**
 * Returns a function that opens the tokens of a data key pair synchronously. The pair is unwrapped
 * when the first token is opened, once for all copies of the module in the thread; a failure is not
 * kept.
 *
 * @param wrapped the wrapped private key, in one or several regions or accounts
 * @param context the encryption context
 * @param settings see {@link unwrapSync}
 * @param importPair imports the private key; by default, that of a P-256 pair
 * @returns a function of a token, its label and the form of its value. It throws KmsSecretError.
 */
export function envelopeSync(
  wrapped: Wrapped[],
  context: Record<string, string>,
  settings: Settings,
  importPair: (pkcs8: Buffer) => ImportedKey = importKey,
): (token: string, label: string, as?: As, open?: Open) => unknown {
  const blobs = JSON.stringify([context, wrapped]) as '[]'
  const key = (blobs + 1) as `[]1`
  const unwrap = (): ImportedKey => {
    const imported = shared()[key] ?? importPair(unwrapSync(wrapped, context, settings))
    // Secrets of the same pair that are awaited need no request of their own.
    shared()[blobs] ??= async () => imported
    return (shared()[key] = imported)
  }
  return function read(token, label, as, open = openMessage) {
    return valueOf(label, as, () => open(unwrap(), token, label), read)
  }
}

/**
 * Opens a secret with a ciphertext of its own: one kms:Decrypt.
 *
 * @param wrapped the ciphertext, in one or several regions or accounts
 * @param context the encryption context
 * @param label the secret's name, for errors
 * @param as the form of the value
 * @param settings see {@link unwrapSync}
 * @returns the value
 * @throws KmsSecretError
 */
export function directSync(
  wrapped: Wrapped[],
  context: Record<string, string>,
  label: string,
  as?: As,
  settings?: Settings,
): unknown {
  return valueOf(label, as, () => unwrapSync(wrapped, context, settings), directSync)
}

/** Returns what a plaintext becomes, or throws the error that the asynchronous shim would throw. */
function valueOf(
  label: string,
  as: As | undefined,
  decrypt: () => Buffer,
  below: Function,
): unknown {
  try {
    const plaintext = decrypt()
    if (as === 'bytes') return new Uint8Array(plaintext)
    const text = plaintext.toString()
    // Not UTF-8: toString() replaced something.
    if (plaintext.compare(Buffer.from(text))) throw 0
    return as ? JSON.parse(text) : text
  } catch (error: any) {
    const why = `altered, renamed or not ${as ?? 'text'}`
    throw errorOf({ code: 'OPEN_FAILED', why, ...(error.why && error), secret: label }, below)
  }
}
