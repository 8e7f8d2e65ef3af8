import { basename, dirname } from 'node:path'
import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import { pinsIn } from '../options/environment.js'
import { git } from '../util/git.js'
import type { SecretsFile } from './parse.js'
import { checkPins, publicKeysOnly } from './pins.js'
import { writeSecretsFile } from './serialize.js'
import {
  describeState,
  diffStates,
  indented,
  pinOf,
  trustStateOf,
  type TrustedPair,
} from './trust-state.js'
import { rememberedTrust, rememberTrust, type RememberedTrust } from './trust-store.js'

/**
 * Checks that only trusted keys can decrypt: every data key pair, its KMS keys,
 * encryption context and scope. The state of the first run is trusted and remembered. A later state
 * that lets anybody else decrypt is rejected. UNPLUGIN_KMS_PIN decides instead if it is set.
 *
 * @param trust accepts and remembers a changed state.
 * @param first whether the first state is trusted. It is not if a command would encrypt a private key to
 *   a recipient of the file that may have been added by somebody else.
 * @returns warnings: what was accepted, or that it could not be remembered.
 * @throws KmsBuildError PIN_MISMATCH, FILE_UNREADABLE.
 */
export async function checkTrust(
  file: SecretsFile,
  trust = false,
  first: 'trust the first state' | 'trust no first state' = 'trust the first state',
): Promise<string[]> {
  const change = await compareWithTrusted(file)
  if (!change) return []
  if (change.isFirst && first === 'trust no first state' && !trust)
    throw await mismatch(file, change)
  if (change.rejected && !trust) throw await mismatch(file, change)
  if (change.lacksRotation) return change.notes
  return [...change.notes, ...(await rememberTrust(file.path, trustStateOf(file)))]
}

/**
 * Writes a changed file, and remembers its new state as trusted. If the command is killed meanwhile,
 * both states are trusted.
 *
 * @param before the state that was checked; undefined for a new file.
 * @returns warnings: that the state could not be remembered.
 * @throws KmsBuildError FILE_UNWRITABLE.
 */
export async function writeTrusted(file: SecretsFile, before?: TrustedPair[]): Promise<string[]> {
  const after = trustStateOf(file)
  if (before && pinOf(before) === pinOf(after)) {
    await writeSecretsFile(file)
    return []
  }
  if (before) await rememberTrust(file.path, before, after)
  const warnings = before ? [] : await rememberTrust(file.path, after)
  await writeSecretsFile(file)
  return before ? rememberTrust(file.path, after) : warnings
}

/** A difference between a file's state and what is trusted. */
export interface TrustChange {
  /** Whether only `--trust` accepts it. */
  rejected: boolean
  lines: string[]
  /** The remembered pins. */
  remembered?: string[]
  /** Whether the file is of a branch that lacks the last rotation. Nothing is remembered then. */
  lacksRotation?: boolean
  /** Whether nothing was remembered before. */
  isFirst?: boolean
  /** Warnings for the user if it is accepted. */
  notes: string[]
}

/**
 * Compares a file with UNPLUGIN_KMS_PIN, or with what is remembered. Remembers nothing.
 *
 * @returns undefined if the state is the remembered one.
 * @throws KmsBuildError PIN_MISMATCH if UNPLUGIN_KMS_PIN is set and does not match.
 */
export async function compareWithTrusted(file: SecretsFile): Promise<TrustChange | undefined> {
  const pins = pinsIn(process.env)
  const state = trustStateOf(file)
  if (pins.length) {
    const notes =
      checkPins(file, pins) === 'complete' ? [] : [publicKeysOnly(file, 'UNPLUGIN_KMS_PIN')]
    return { rejected: false, lines: [], notes }
  }
  const remembered = await rememberedTrust(file.path)
  if (!remembered) return { rejected: false, lines: describeState(state), isFirst: true, notes: [] }
  if ('publicKeys' in remembered) return compareWithPublicKeys(file, remembered)
  const { state: trusted, next } = remembered
  const { widens, isEarlier, lines } = diffStates(trusted, state)
  if (!lines.length && !next) return undefined
  // A command was killed after it wrote the file.
  if (next && !diffStates(next, state).widens) return { rejected: false, lines: [], notes: [] }
  if (isEarlier && !(await wasReplaced(file, trusted, state)))
    return { rejected: false, lacksRotation: true, lines, notes: [olderBranchNote(file)] }
  return {
    rejected: widens,
    lines,
    remembered: [pinOf(trusted)],
    notes: widens ? [accepted(file, lines)] : [],
  }
}

/** Compares with what version 0.1 remembered, which knows nothing of KMS keys and contexts. */
function compareWithPublicKeys(
  file: SecretsFile,
  { publicKeys }: Extract<RememberedTrust, { publicKeys: string[] }>,
): TrustChange {
  const unknown = [...file.pairs.values()]
    .map(({ publicKey }) => publicKeyDigest(publicKey))
    .filter((digest) => !publicKeys.includes(digest))
  const state = describeState(trustStateOf(file))
  if (unknown.length) {
    const lines = [
      ...publicKeys.map((digest) => `- data key pair ${digest}`),
      ...unknown.map((digest) => `+ data key pair ${digest}`),
    ]
    return { rejected: true, lines, remembered: publicKeys, notes: [accepted(file, state)] }
  }
  const note = `the KMS keys and encryption contexts of ${file.path} are remembered from now on; an earlier version remembered only the public keys. Check that you know each of them:\n${indented(state)}`
  return { rejected: false, lines: [], notes: [note] }
}

/**
 * Checks whether the present branch once had the pairs that were trusted last. If so, its file was put
 * back to an earlier state. If not, the branch is older than the rotation. Without git, nobody knows.
 */
async function wasReplaced(
  { path }: SecretsFile,
  trusted: TrustedPair[],
  state: TrustedPair[],
): Promise<boolean> {
  const isCurrent = (digest: string) =>
    state.some((pair) => pair.publicKey === digest && pair.current)
  const commits = trusted
    .filter(({ publicKey, current }) => current && !isCurrent(publicKey))
    .map(({ publicKey }) => fingerprintIn(publicKey))
    .map((text) =>
      git(dirname(path), ['log', '-1', '--format=%h', `-S${text}`, '--', basename(path)]),
    )
  return (await Promise.all(commits)).some((commit) => commit === null || commit.trim() !== '')
}

/** Returns the fingerprint of a public key by its digest. */
const fingerprintIn = (digest: string) => digest.slice('sha256:'.length, 'sha256:'.length + 16)

const olderBranchNote = ({ path }: SecretsFile) =>
  `${path} was rotated on another branch, and this branch lacks that: new values are sealed to the earlier data key pair. Merge that branch first if the rotation was for somebody who left.`

const accepted = ({ path }: SecretsFile, lines: string[]) =>
  `trusted from now on, for ${path}:\n${indented(lines)}`

/** Returns the error for a state that is not trusted, with the commit that introduced it. */
export async function mismatch(file: SecretsFile, { lines, remembered = [] }: TrustChange) {
  return new KmsBuildError(
    'PIN_MISMATCH',
    `${file.path}: the keys that can decrypt are not the ones that you trusted before.\n` +
      `${indented(lines)}\n` +
      `  remembered: ${remembered.join('\n              ')}\n` +
      `  in the file: ${pinOf(trustStateOf(file))}\n` +
      `  changed by: ${await lastChange(file, lines)}\n` +
      'If you know of this change, run the command again with --trust. If not, find out who made it before you seal anything: they may be able to read what you seal.',
  )
}

/** Returns the commit that introduced the first added line, or else the file's last commit. */
async function lastChange({ path, pairs }: SecretsFile, lines: string[]): Promise<string> {
  const log = (...search: string[]) =>
    git(dirname(path), ['log', '-1', '--format=%h, %an, %as: %s', ...search, '--', basename(path)])
  const added = lines.filter((line) => line.startsWith('+')).join('\n')
  const publicKey = [...pairs.values()].find((pair) =>
    added.includes(publicKeyDigest(pair.publicKey)),
  )?.publicKey
  const text = publicKey?.toString('base64') ?? /key (arn:\S+)/.exec(added)?.[1]
  const commit = (text && (await log(`-S${text}`))?.trim()) || (await log())?.trim()
  return commit || 'no commit; the change is not committed'
}
