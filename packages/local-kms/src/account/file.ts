import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { LocalKmsError } from '../errors.js'
import type { ParameterRecord, RegionState, State } from './state.js'

const FILE = 'state.json'
const IGNORE = '.gitignore'

/**
 * Creates the state folder, readable by its owner only, with a `.gitignore` that ignores all of it.
 *
 * @throws LocalKmsError STATE_UNWRITABLE, or STATE_ELSEWHERE for a folder with other files
 */
export function prepareFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const names = readdirSync(dir)
    const path = join(dir, IGNORE)
    const ignored = names.includes(IGNORE) ? readFileSync(path, 'utf8') : ''
    // An empty .gitignore is from a process that was killed while it created the folder.
    if (ignored === '' && names.every((name) => name === IGNORE)) writeFileSync(path, '*\n')
    else if (!ignoresAll(ignored)) {
      throw new LocalKmsError(
        'STATE_ELSEWHERE',
        `the state folder ${dir} contains other files; nothing was changed. Use another folder, or ` +
          `add a ${IGNORE} with the line * so that git ignores all of it`,
      )
    }
    for (const name of names) {
      if (name.startsWith(`${FILE}.`) && name.endsWith('.tmp')) rmSync(join(dir, name))
    }
  } catch (cause) {
    if (cause instanceof LocalKmsError) throw cause
    throw new LocalKmsError(
      'STATE_UNWRITABLE',
      `cannot write to the state folder ${dir} (${(cause as Error).message}): ` +
        'use another folder, or omit it to keep the state in memory',
      { cause },
    )
  }
}

const ignoresAll = (text: string): boolean => text.split('\n').some((line) => line.trim() === '*')

/** Returns the JSON of the state in `dir`, or undefined if there is none. */
export function readStateText(dir: string): string | undefined {
  const path = join(dir, FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LocalKmsError('STATE_CORRUPT', `cannot read the state file ${path}`, { cause })
  }
  return text
}

/**
 * Replaces the state file atomically. A process that is killed leaves either the old or the new
 * state, and a client only gets an answer after the new state is on disk.
 */
export function writeStateText(dir: string, text: string): void {
  const path = join(dir, FILE)
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = openSync(temporary, 'wx', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw cause
  }
  syncFolder(dir)
}

/** Syncs the folder so that the rename is durable. Windows cannot open folders. */
function syncFolder(dir: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(dir, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

export function stateToText(state: State): string {
  const account = {
    accountId: state.accountId,
    users: [...state.users.values()],
    roles: [...state.roles.values()],
    sessions: [...state.sessions.values()],
    regions: [...state.regions.values()].map((region) => ({
      name: region.name,
      keys: [...region.keys.values()],
      aliases: [...region.aliases.values()],
      parameters: [...region.parameters.values()],
      secrets: [...region.secrets.values()],
    })),
  }
  return `${JSON.stringify({ version: 1, sha256: checksum(account), account }, null, 1)}\n`
}

/** @throws LocalKmsError STATE_CORRUPT. The file is not changed. */
export function stateFromText(text: string, dir: string): State {
  const path = join(dir, FILE)
  const refuse = (why: string): never => {
    throw new LocalKmsError(
      'STATE_CORRUPT',
      `the state file ${path} ${why}. It was not changed. Restore it from a backup, or move it ` +
        'away to start without keys (ciphertexts of the old keys cannot be decrypted then)',
    )
  }
  let file: ReturnType<typeof JSON.parse>
  try {
    file = JSON.parse(text)
  } catch {
    return refuse('is not valid JSON')
  }
  if (file === null || typeof file !== 'object') return refuse('contains no state')
  if (file.version !== 1) return refuse(`has version ${String(file.version)}, not 1`)
  if (file.sha256 !== checksum(file.account)) return refuse('does not match its checksum')
  const { account } = file
  return {
    accountId: account.accountId,
    users: byField(account.users, 'name'),
    roles: byField(account.roles, 'name'),
    sessions: byField(account.sessions, 'accessKeyId'),
    regions: new Map(
      (account.regions as FileRegion[]).map(({ name, ...region }): [string, RegionState] => [
        name,
        {
          name,
          keys: byField(region.keys, 'keyId'),
          aliases: byField(region.aliases, 'name'),
          parameters: new Map(
            (region.parameters as ParameterRecord[]).map((one) => [
              // `plain` and `/plain` are one parameter.
              one.name.replace(/^\//, ''),
              one,
            ]),
          ),
          secrets: byField(region.secrets, 'name'),
        },
      ]),
    ),
  }
}

type FileRegion = { name: string } & Record<Exclude<keyof RegionState, 'name'>, unknown>

function byField<T>(records: unknown, field: string): Map<string, T> {
  return new Map((records as Record<string, string>[]).map((r) => [r[field] as string, r as T]))
}

function checksum(account: unknown): string {
  return createHash('sha256').update(JSON.stringify(account)).digest('hex')
}
