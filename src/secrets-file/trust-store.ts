import { mkdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { homeFolder } from '../util/home-folder.js'
import { replaceFile } from '../util/replace-file.js'
import { withLock } from './lock.js'
import type { TrustedPair } from './trust-state.js'

/** Returns a file in the user's state folder (XDG Base Directory). */
const inStateFolder = (name: string) =>
  join(process.env.XDG_STATE_HOME || join(homeFolder(), '.local', 'state'), 'unplugin-kms', name)

/** Returns the path of the file that remembers the trusted state of each secrets file, as ssh's known_hosts does. */
export const trustStorePath = () => inStateFolder('known-trust.json')

/** Returns the path of version 0.1's file: public keys only. Read, never written. */
const knownPinsPath = () => inStateFolder('known-pins.json')

/** The trusted state of a secrets file. */
interface TrustRecord {
  state: TrustedPair[]
  /** The state that a command is about to write. It remains only if the command was killed. */
  next?: TrustedPair[]
}

/** What is remembered of a secrets file. */
export type RememberedTrust =
  | TrustRecord
  /** RememberedTrust by version 0.1: `sha256:` and the digest of each public key. */
  | { publicKeys: string[] }

/** Returns what was trusted for a secrets file; undefined if nothing was sealed to it here. */
export async function rememberedTrust(path: string): Promise<RememberedTrust | undefined> {
  const key = await keyOf(path)
  const record = (await readStore<TrustRecord>(trustStorePath()))[key]
  if (record) return record
  const publicKeys = (await readStore<string[]>(knownPinsPath()))[key]
  return publicKeys && { publicKeys }
}

/**
 * Remembers a state as trusted, in place of what was remembered before.
 *
 * @param next a state that the file may also be in soon.
 * @returns warnings: that it could not be remembered.
 */
export async function rememberTrust(
  path: string,
  state: TrustedPair[],
  next?: TrustedPair[],
): Promise<string[]> {
  const store = trustStorePath()
  try {
    await mkdir(dirname(store), { recursive: true, mode: 0o700 })
    const key = await keyOf(path)
    await withLock(store, async () => {
      const known = await readStore<TrustRecord>(store)
      known[key] = { state, ...(next && { next }) }
      await replaceFile(store, `${JSON.stringify(known, null, 2)}\n`, 'follow links')
    })
    return []
  } catch {
    return [
      `the keys of ${path} could not be remembered in ${store}, so a later change of them would not be noticed. Make the folder writable, or set UNPLUGIN_KMS_PIN.`,
    ]
  }
}

async function readStore<T>(store: string): Promise<Record<string, T>> {
  const unreadable = (why: string) =>
    new KmsBuildError(
      'FILE_UNREADABLE',
      `${store}, which remembers the keys of secrets files, ${why}. Correct or delete it; after that, the keys of the next run are trusted.`,
    )
  const text = await readFile(store, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    if (code === 'ENOENT' || code === 'ENOTDIR') return '{}'
    throw unreadable(`cannot be read (${code})`)
  })
  try {
    return { ...(JSON.parse(text) as Record<string, T>) }
  } catch {
    throw unreadable('is not valid JSON')
  }
}

const keyOf = (path: string) => realpath(path).catch(() => path)
