import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { walkFiles } from '../../util/walk.js'

/** The files of a folder, by path, with what changes when one is written. */
export type FolderState = Map<string, string>

/** More files are in no folder of outputs. */
const MOST_FILES = 20_000
const OPTIONS = {
  enters: (name: string) => name !== 'node_modules' && name !== '.git',
  onLink: () => {},
  skipUnreadable: true,
}

/** Returns the state of a folder, which may not exist yet. Links are not followed. */
export async function stateOf(folder: string): Promise<FolderState> {
  const state: FolderState = new Map()
  if (!existsSync(folder)) return state
  for await (const path of walkFiles(folder, OPTIONS)) {
    const found = await stat(path, { bigint: true }).catch(() => null)
    if (found) state.set(path, `${found.ino} ${found.size} ${found.mtimeNs}`)
    if (state.size === MOST_FILES) break
  }
  return state
}

/** Returns the paths of files that were added or written. */
export const changedSince = (before: FolderState, now: FolderState): string[] =>
  [...now].filter(([path, state]) => before.get(path) !== state).map(([path]) => path)
