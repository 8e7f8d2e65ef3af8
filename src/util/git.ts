import { promisify } from 'node:util'

/** Returns git's output, or null if it fails: no git, no repository, nothing found. */
export const git = async (folder: string, args: string[]): Promise<string | null> =>
  (await gitBytes(folder, args))?.toString() ?? null

/** Returns git's output as bytes; see `git`. */
export async function gitBytes(folder: string, args: string[]): Promise<Buffer | null> {
  // Most commands read a secrets file without git.
  const { execFile } = await import('node:child_process')
  try {
    const { stdout } = await promisify(execFile)('git', args, {
      cwd: folder,
      env: environment(),
      maxBuffer: 64 << 20,
      encoding: 'buffer',
    })
    return stdout
  } catch {
    return null
  }
}

/** Returns the variables that git needs, and no other: variables may contain plaintexts. */
function environment() {
  const { PATH, HOME, GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, SystemRoot } = process.env
  const known = { PATH, HOME, GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, SystemRoot }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value))
}
