import { KmsBuildError } from '../errors.js'
import { unwritable } from '../util/replace-file.js'

/** A lock whose holder was killed is taken over after this many milliseconds. */
const STALE = 5_000
/** Together a little longer than that. */
const TRIES = 80

/**
 * Runs work while no other command of ours changes the file, which need not exist yet. The lock is
 * the folder `FILE.lock`; it is waited for until even a dead holder's would have been taken over.
 *
 * @param work is given a check to make right before it writes.
 * @param tries how often to ask again for a lock that is held.
 * @throws KmsBuildError FILE_LOCKED, FILE_UNWRITABLE.
 */
export async function withLock<T>(
  path: string,
  work: (stillHeld: () => void) => Promise<T>,
  tries = TRIES,
): Promise<T> {
  let lost = false
  const locked = () =>
    new KmsBuildError(
      'FILE_LOCKED',
      `another unplugin-kms command is changing ${path}. Nothing was changed here: run the command again when that one is done.`,
    )
  // Loaded here: most commands only read.
  const { lock } = (await import('proper-lockfile')).default
  const release = await lock(path, {
    realpath: false,
    stale: STALE,
    retries: { retries: tries, factor: 1.2, minTimeout: 20, maxTimeout: 150, randomize: true },
    onCompromised: () => (lost = true),
  }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOCKED' ? locked() : unwritable(path, error)
  })
  try {
    return await work(() => {
      if (lost) throw locked()
    })
  } finally {
    await release().catch(() => {})
  }
}
