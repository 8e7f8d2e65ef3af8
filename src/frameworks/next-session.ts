import { randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { KmsBuildError } from '../errors.js'
import type { Options } from '../options/types.js'
import { BuildSession } from '../pipeline/session.js'
import { NextModules, type ModuleRequest, type ModuleResponse } from './next-modules.js'

/** The address of the session for loaders, which run in any process. */
export interface Address {
  socket: string
  token: string
}

export interface NextSession {
  build: BuildSession
  address: Address
}

const ADVICE =
  "Import it only in Server Components, route handlers, Server Actions and proxy.ts, or in getServerSideProps and API routes of the pages directory. import 'server-only' in its module makes Next.js report such imports."

const unsupported = () =>
  new KmsBuildError(
    'OPTIONS_INVALID',
    'option processEnv has no effect in Next.js, which starts the server itself. Await secrets where they are used, or set process.env in register() of instrumentation.ts.',
  )

/**
 * Starts the one build session of a `next build` or `next dev`. Loaders run in other processes: they
 * send modules to a socket that only this user can open, and receive the transformed code.
 */
export function startSession(options: Options, root: string, isDev: boolean): NextSession {
  if (options.processEnv !== undefined) throw unsupported()
  const build = new BuildSession(options)
  build.setRoot(root)
  build.outputs.setClientAdvice(ADVICE)
  const modules = new NextModules(build, options, root, isDev)
  const token = randomBytes(32).toString('base64url')
  const server = createServer(async (request, response) => {
    if (!isEqual(String(request.headers.token), token)) {
      response.writeHead(403).end()
      return
    }
    response.end(JSON.stringify(await answer(modules, request)))
  })
  const socket = socketPath()
  server.listen(socket)
  // The server must not keep Next.js running.
  server.unref()
  return { build, address: { socket, token } }
}

/** Returns a response to any request, because a loader without one never ends its build. */
async function answer(modules: NextModules, request: IncomingMessage): Promise<ModuleResponse> {
  let asked: ModuleRequest
  try {
    asked = JSON.parse((await buffer(request)).toString()) as ModuleRequest
  } catch {
    // The reason would quote the module.
    return { watched: [], error: 'the request of the loader is incomplete. Start Next.js again.' }
  }
  return modules.transform(asked)
}

function socketPath(): string {
  if (process.platform === 'win32')
    return `\\\\.\\pipe\\unplugin-kms-${randomBytes(16).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), 'unplugin-kms-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'session')
}

const isEqual = (a: string, b: string) =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
