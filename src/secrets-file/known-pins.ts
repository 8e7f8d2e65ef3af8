import { mkdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import { pinsIn } from '../options/environment.js'
import { git } from '../util/git.js'
import { homeFolder } from '../util/home-folder.js'
import { replaceFile } from '../util/replace-file.js'
import { withLock } from './lock.js'
import type { SecretsFile } from './parse.js'
import { checkPins } from './pins.js'
import { currentPair } from './scopes.js'

/** The pins that were trusted for each secrets file, by its absolute path. */
type KnownPins = Record<string, string[]>

/** `known-pins.json` in the user's state folder (XDG Base Directory), as ssh has known_hosts. */
export const knownPinsPath = () =>
  join(
    process.env.XDG_STATE_HOME || join(homeFolder(), '.local', 'state'),
    'unplugin-kms',
    'known-pins.json',
  )

/**
 * Stops sealing to a public key that is not the one seen in this file before. The first one seen is
 * trusted and remembered; UNPLUGIN_KMS_PIN, where set, decides instead.
 *
 * @returns warnings: that the pin could not be remembered.
 * @throws KmsBuildError PIN_MISMATCH.
 */
export async function checkKnownPin(file: SecretsFile, trust = false): Promise<string[]> {
  const vouched = pinsIn(process.env)
  checkPins(file, vouched)
  const known = await knownPinsOf(file.path)
  const { publicKey } = currentPair(file)
  const pin = publicKeyDigest(publicKey)
  if (known?.includes(pin)) return []
  if (known && !trust && !vouched.length) throw await changed(file, known, pin)
  return rememberPins(file)
}

/** Trusts the pins of the file as it is, and forgets those of pairs that it no longer has. */
export async function rememberPins({ path, pairs }: SecretsFile): Promise<string[]> {
  const store = knownPinsPath()
  try {
    await mkdir(dirname(store), { recursive: true, mode: 0o700 })
    const key = await keyOf(path)
    await withLock(store, async () => {
      const known = await readKnownPins()
      known[key] = [...pairs.values()].map(({ publicKey }) => publicKeyDigest(publicKey))
      await replaceFile(store, `${JSON.stringify(known, null, 2)}\n`)
    })
    return []
  } catch {
    return [
      `the pin of ${path} could not be remembered in ${store}, so that a changed public key would pass unseen. Make the folder writable, or set UNPLUGIN_KMS_PIN.`,
    ]
  }
}

/** The pins that were trusted for a secrets file; undefined for one never sealed to here. */
export const knownPinsOf = async (path: string): Promise<string[] | undefined> =>
  (await readKnownPins())[await keyOf(path)]

async function readKnownPins(): Promise<KnownPins> {
  const store = knownPinsPath()
  const unreadable = (why: string) =>
    new KmsBuildError(
      'FILE_UNREADABLE',
      `${store}, which remembers the pins of secrets files, ${why}. Mend or delete it; deleted, the next pin seen is trusted.`,
    )
  const text = await readFile(store, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    if (code === 'ENOENT' || code === 'ENOTDIR') return '{}'
    throw unreadable(`cannot be read (${code})`)
  })
  try {
    return JSON.parse(text) as KnownPins
  } catch {
    throw unreadable('is no JSON')
  }
}

const keyOf = (path: string) => realpath(path).catch(() => path)

async function changed(file: SecretsFile, known: string[], pin: string) {
  const { path } = file
  const text = currentPair(file).publicKey.toString('base64')
  const commit = await git(dirname(path), [
    'log',
    '-1',
    '--format=%h, %an, %as: %s',
    `-S${text}`,
    '--',
    basename(path),
  ])
  return new KmsBuildError(
    'PIN_MISMATCH',
    `${path}: the public key is not the one that you sealed to before. Whoever changed it may read what you seal now.\n` +
      `  remembered: ${known.join('\n              ')}\n  in the file: ${pin}\n` +
      `  changed by: ${commit?.trim() || 'no commit; the change is not committed'}\n` +
      'If this is a rotation that you know of, run the command again with --trust. If not, ask who did it before you seal anything.',
  )
}
