// The worker thread of blocking.ts. It answers once.
import { workerData, type MessagePort } from 'node:worker_threads'
import type { BlockingAnswer, BlockingRequest } from './blocking.js'

const { request, flag, port } = workerData as {
  request: BlockingRequest
  flag: Int32Array
  port: MessagePort
}

async function answer(): Promise<BlockingAnswer> {
  try {
    const { TestSecrets } = await import('./test-secrets.js')
    return {
      plaintexts: await new TestSecrets(request.source).openSync(request.path, request.format),
    }
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string; why?: string }
    return { error: { name, message, ...(code !== undefined && { code }) } }
  }
}

port.postMessage(await answer())
Atomics.store(flag, 0, 1)
Atomics.notify(flag, 0)
