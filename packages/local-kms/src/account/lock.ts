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
  const server = createServer((socket) => socket.end(`process ${process.pid}`))
  try {
    await listen(server, address)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    const holder = await askHolder(address)
    if (holder !== undefined) {
      throw new LocalKmsError(
        'STATE_IN_USE',
        `the state folder ${dir} is in use by ${holder}: use that one, or end it first`,
      )
    }
    rmSync(address, { force: true })
    await listen(server, address)
  }
  server.unref()
  return () => new Promise((resolve) => server.close(() => resolve()))
}

/** In the temporary folder, because a socket's path may have about a hundred characters only. */
function socketAddress(dir: string): string {
  const name = `unplugin-kms-${createHash('sha256').update(dir).digest('hex').slice(0, 24)}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`)
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      resolve()
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
