import { createHash } from 'node:crypto'
import { realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalKmsError } from '../errors.js'
import { prepareFolder } from './file.js'

/**
 * Keeps a second local KMS away from a state folder: two would overwrite each other's keys. The
 * lock is a listening socket, not a file, so that a process that was killed leaves none behind.
 *
 * @returns what lets go of it
 * @throws LocalKmsError STATE_IN_USE
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  prepareFolder(dir)
  const address = socketAddress(realpathSync(dir))
  const server = createServer((socket) => {
    // Whoever asks may be gone before the answer.
    socket.on('error', () => {}).end(`process ${process.pid}`)
  })
  if (!(await listen(server, address))) {
    let holder = await askHolder(address)
    if (holder === undefined) {
      if (address.startsWith('/')) rmSync(address, { force: true })
      if (!(await listen(server, address))) holder = 'another process'
    }
    if (holder !== undefined) {
      throw new LocalKmsError(
        'STATE_IN_USE',
        `the state folder ${dir} is in use by ${holder}: use that one, or end it first`,
      )
    }
  }
  server.unref()
  return () => new Promise((resolve) => server.close(() => resolve()))
}

/**
 * Windows' pipes and Linux's abstract sockets (a NUL, and no file) go with their process. Elsewhere
 * it is a file in the temporary folder, because a socket's path may have about a hundred characters
 * only.
 */
export function socketAddress(dir: string): string {
  const name = `unplugin-kms-${createHash('sha256').update(dir).digest('hex').slice(0, 24)}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`)
}

/** @returns false where the address is taken */
function listen(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    }
    server.once('error', onError)
    server.listen(address, () => {
      server.off('error', onError)
      resolve(true)
    })
  })
}

/** Who listens there; undefined where nobody does any more. */
function askHolder(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(address)
    socket.setTimeout(2000, () => {
      socket.destroy()
      resolve('a process that does not answer')
    })
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks).toString() || 'another process'))
    socket.on('error', () => resolve(undefined))
  })
}
