import { decrypting } from './decrypt.js'
import type { SyncRequest } from './sync.js'

// The worker thread of sync.ts, embedded there as a string. It answers each request with the
// plaintext or the `Failure`, then wakes the thread that waits for it.
const { parentPort, workerData } = process.getBuiltinModule('worker_threads')
const flag: Int32Array = workerData.flag

workerData.port.on('message', async ({ wrapped, fields, settings }: SyncRequest) => {
  const decrypt = decrypting(wrapped, fields, settings, (bytes) => bytes)
  try {
    const plaintext = await decrypt()
    // A copy with memory of its own, which moves to the other thread.
    const bytes = new Uint8Array(plaintext)
    plaintext.fill(0)
    workerData.port.postMessage({ bytes }, [bytes.buffer])
  } catch (failure) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
    workerData.port.postMessage({ failure })
  }
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
})
parentPort?.unref()
