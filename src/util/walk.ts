import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unreadable } from './given-file.js'

export interface WalkOptions {
  /** Returns whether to enter a folder. Default: every folder. */
  enters?: (name: string, path: string) => boolean
  /** Called with each symbolic link. Links are followed if it is absent. */
  onLink?: (path: string) => void
  /** Skips folders that cannot be read, instead of failing. */
  skipUnreadable?: boolean
}

/**
 * Yields the files below a folder, sorted by name. A folder that several links point to is entered
 * once; a link that points to nothing is skipped.
 *
 * @param path a folder, or a file, which is yielded itself.
 * @throws KmsBuildError FILE_UNREADABLE.
 */
export async function* walkFiles(path: string, options: WalkOptions = {}): AsyncGenerator<string> {
  const kind = await stat(path).catch((error: unknown) => unreadable(path, error))
  if (kind.isDirectory()) yield* walkFolder(path, options, new Set())
  else yield path
}

/** Returns what `walkFiles` yields. */
export async function filesBelow(path: string, options?: WalkOptions): Promise<string[]> {
  const files: string[] = []
  for await (const file of walkFiles(path, options)) files.push(file)
  return files
}

async function* walkFolder(
  folder: string,
  options: WalkOptions,
  entered: Set<string>,
): AsyncGenerator<string> {
  const { enters = () => true, onLink } = options
  if (!onLink) {
    const real = await realpath(folder)
    if (entered.has(real)) return
    entered.add(real)
  }
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) =>
    options.skipUnreadable ? [] : unreadable(folder, error),
  )
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (onLink && entry.isSymbolicLink()) {
      onLink(path)
      continue
    }
    const kind = await kindOf(entry, path)
    if (kind === 'folder' && enters(entry.name, path)) yield* walkFolder(path, options, entered)
    else if (kind === 'file') yield path
  }
}

/** Returns the kind of an entry, or of what a link points to. Sockets and devices have none. */
async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | undefined> {
  const found = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry
  if (found?.isDirectory()) return 'folder'
  return found?.isFile() ? 'file' : undefined
}

/** Skips dependencies and hidden folders such as .git. */
export const entersSources = (name: string): boolean =>
  name !== 'node_modules' && !name.startsWith('.')
