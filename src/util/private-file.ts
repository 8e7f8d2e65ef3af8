import { accessSync, constants, rmSync, statfsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const TMPFS = 0x01021994
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Runs `work` with a folder that only this user can read, in memory where the system has a place for
 * that. The folder and everything in it is removed on every exit, that of a signal included.
 */
export async function withPrivateFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(inMemory() ?? tmpdir(), 'unplugin-kms-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const handlers = SIGNALS.map((signal) => {
    const end = () => {
      remove()
      process.off(signal, end)
      process.kill(process.pid, signal)
    }
    process.on(signal, end)
    return () => process.off(signal, end)
  })
  process.on('exit', remove)
  try {
    return await work(folder)
  } finally {
    remove()
    process.off('exit', remove)
    for (const off of handlers) off()
  }
}

/** Returns a folder whose files are never written to a disk. */
function inMemory(): string | undefined {
  const candidates = [process.env.XDG_RUNTIME_DIR, '/dev/shm']
  return candidates.find((folder) => {
    try {
      accessSync(folder!, constants.W_OK)
      return statfsSync(folder!).type === TMPFS
    } catch {
      return false
    }
  })
}
