import { createHash } from 'node:crypto'
import { realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalKmsError } from '../errors.js'
import { prepareFolder } from './file.js'

/**
 * Locks a state folder, because two processes would overwrite each other's keys. The lock is a
 * listening socket, not a file, so that a killed process leaves no lock.
 *
 * @returns a function that releases the lock
 * @throws LocalKmsError STATE_IN_USE
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  prepareFolder(dir)
  const address = socketAddress(realpathSync(dir))
  const server = createServer((socket) => {
    // The client can disconnect before the answer.
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
        `the state folder ${dir} is in use by ${holder}. Use that local KMS, or stop it first`,
      )
    }
  }
  server.unref()
  return () => new Promise((resolve) => server.close(() => resolve()))
}

/**
 * Returns the address of the lock. Named pipes (Windows) and abstract sockets (Linux; they start
 * with a NUL) end with their process. Other systems use a socket file in the temporary folder,
 * because a socket's path is limited to about 100 characters.
 */
export function socketAddress(dir: string): string {
  const name = `unplugin-kms-${createHash('sha256').update(dir).digest('hex').slice(0, 24)}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`)
}

/** @returns false if the address is in use */
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

/** Returns a description of the process that listens, or undefined if no process listens. */
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
