import { existsSync, readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import type { Asset } from './examine.js'
import type { Seen } from './parts.js'

/** An output of a build of the same command, which may contain a plaintext that became known later. */
export interface EarlierOutput {
  /** Where it is, or would be, on disk. */
  path: string
  /** Identifies the build among those of its session. */
  build: unknown
  /** Absent if the outputs of the command are large: then the file is read again. */
  content: Asset['content'] | undefined
  /** Where the content is on disk until it is copied to its path. */
  source: string | undefined
  /** Plaintexts that it was searched for. */
  searched: Set<string>
}

/** Bytes of outputs that are kept in memory, in all sessions of the process. */
const LARGEST = 1 << 26

interface CommandState {
  members: Set<BuildCommand>
  /** Bytes of outputs in memory. */
  kept: number
  /** Number of events, to order them. */
  now: number
}

// Several copies of this package may be in one process.
const KEY = Symbol.for('unplugin-kms/build-command/1')
const shared = ((globalThis as Record<symbol, unknown>)[KEY] ??= {
  members: new Set(),
  kept: 0,
  now: 0,
}) as CommandState

/**
 * What a session shares with the other sessions of one build command: a framework builds for the browser
 * and for the server with two instances of the plugin, in either order, and a plaintext of one must
 * not be in an output of the other.
 *
 * Sessions of one process belong together if the root of one contains that of the other, or if they
 * overlap in time and are in one workspace. Builds of different projects, as in tests, do not.
 */
export class BuildCommand {
  readonly outputs = new Map<string, EarlierOutput>()
  // Not private fields: another copy of this package has a class of its own.
  readonly ownPlaintexts: () => Seen[]
  /** Absent if it is the working directory, in which a script may build any project. */
  #root: string | undefined
  /** Projects of modules and outputs. */
  readonly #projects = new Set<string>()
  readonly started: number
  finished = Infinity

  constructor(root: string, ownPlaintexts: () => Seen[]) {
    this.setRoot(root)
    this.ownPlaintexts = ownPlaintexts
    this.started = shared.now++
    shared.members.add(this)
  }

  setRoot(root: string): void {
    this.#root = resolve(root) === process.cwd() ? undefined : root
  }

  /** Adds a folder of modules with marks, or of outputs. */
  addFolder(folder: string): void {
    this.#projects.add(projectOf(folder))
  }

  get roots(): string[] {
    return this.#root === undefined ? [...this.#projects] : [this.#root]
  }

  /** Ends the membership of a session that writes no outputs: a dev server. */
  leave(): void {
    shared.members.delete(this)
    this.forget([...this.outputs.keys()])
  }

  /** Marks the end of a build. A later one may follow. */
  finish(): void {
    this.finished = shared.now++
  }

  /** Every plaintext of the command, those of the session first. */
  get plaintexts(): Seen[] {
    const all = new Map<string, Seen>()
    for (const member of [this, ...this.#related()])
      for (const seen of member.ownPlaintexts()) {
        const key = keyOf(seen)
        if (!all.has(key)) all.set(key, seen)
      }
    return [...all.values()]
  }

  /** Keeps outputs, in place of those of the same build before. */
  remember(outputs: Omit<EarlierOutput, 'searched'>[], build: unknown, searched: Seen[]): void {
    const paths = new Set(outputs.map(({ path }) => path))
    this.forget(
      [...this.outputs.values()]
        .filter((output) => output.build === build || paths.has(output.path))
        .map(({ path }) => path),
    )
    const keys = searched.map(keyOf)
    for (const output of outputs) {
      // The same file of another session was overwritten.
      for (const member of shared.members) member.forget([output.path])
      const { length } = output.content ?? ''
      const isKept = shared.kept + length <= LARGEST
      if (isKept) shared.kept += length
      this.outputs.set(output.path, {
        ...output,
        content: isKept ? output.content : undefined,
        searched: new Set(keys),
      })
    }
  }

  forget(paths: string[]): void {
    for (const path of paths) {
      shared.kept -= this.outputs.get(path)?.content?.length ?? 0
      this.outputs.delete(path)
    }
  }

  /**
   * Returns the outputs of the command that were not searched for all of these plaintexts.
   *
   * @param replaced the build of this session whose outputs are about to be replaced.
   */
  unsearched(plaintexts: Seen[], replaced?: unknown): { output: EarlierOutput; missing: Seen[] }[] {
    const own = [...this.outputs.values()].filter(
      ({ build }) => replaced === undefined || build !== replaced,
    )
    return [...own, ...this.#related().flatMap((member) => [...member.outputs.values()])]
      .map((output) => ({
        output,
        missing: plaintexts.filter((seen) => !output.searched.has(keyOf(seen))),
      }))
      .filter(({ missing }) => missing.length)
  }

  #related(): BuildCommand[] {
    return [...shared.members].filter((other) => other !== this && this.#isRelated(other))
  }

  #isRelated(other: BuildCommand): boolean {
    const overlaps = this.started < other.finished && other.started < this.finished
    return this.roots.some((root) =>
      other.roots.some(
        (another) =>
          contains(root, another) ||
          contains(another, root) ||
          (overlaps && workspaceOf(root) === workspaceOf(another)),
      ),
    )
  }
}

export const keyOf = ({ name, plaintext }: Seen): string =>
  `${name}\0${Buffer.from(plaintext).toString('latin1')}`

/** Marks an output as searched for some plaintexts. */
export function markSearched(output: EarlierOutput, plaintexts: Seen[]): void {
  for (const seen of plaintexts) output.searched.add(keyOf(seen))
}

/** Returns the content of an output, or null if it is neither in memory nor on disk. */
export function contentOf({ content, path, source }: EarlierOutput): Asset['content'] | null {
  if (content !== undefined) return content
  const file = [path, source].find((one) => one !== undefined && existsSync(one))
  return file === undefined ? null : readFileSync(file)
}

const contains = (folder: string, other: string): boolean =>
  !/^\.\.(?:$|[\\/])|^[A-Za-z]:/.test(relative(folder, other))

/** Folders whose package.json does not make all folders below one project. */
const SHARED_FOLDERS = new Set([tmpdir(), homedir(), '/tmp'].map((folder) => resolve(folder)))

/** Returns the git repository, or else the topmost folder with a package.json or a workspace's file. */
function workspaceOf(root: string): string {
  let found = root
  for (let folder = resolve(root); !SHARED_FOLDERS.has(folder); folder = dirname(folder)) {
    const has = (name: string) => existsSync(join(folder, name))
    if (has('.git')) return folder
    if (has('package.json') || has('pnpm-workspace.yaml')) found = folder
    if (dirname(folder) === folder) break
  }
  return found
}

/** Returns the nearest folder with a package.json, or the folder itself. */
export function projectOf(start: string): string {
  for (let folder = resolve(start); !SHARED_FOLDERS.has(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) break
  }
  return resolve(start)
}
