import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { ModuleResponse } from '../../src/frameworks/next-modules.js'
import type { Address } from '../../src/frameworks/next-session.js'

/** Sends a module to a session as the loader of Next.js does. */
export function ask({ socket, token }: Address, body: object): Promise<ModuleResponse> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, method: 'POST', headers: { token } }, (answer) => {
      buffer(answer).then((bytes) => resolve(JSON.parse(bytes.toString() || 'null')), reject)
    })
    asked.on('error', reject).end(JSON.stringify(body))
  })
}
