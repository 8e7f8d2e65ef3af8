import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Runs git and gives what it prints, or null where it fails: no git, no repository, nothing found.
 * It gets no environment of ours but what it needs to start, since variables may hold plaintexts.
 */
export async function git(folder: string, args: string[]): Promise<string | null> {
  const { PATH, HOME, GIT_DIR, GIT_WORK_TREE, SystemRoot } = process.env
  const known = Object.entries({ PATH, HOME, GIT_DIR, GIT_WORK_TREE, SystemRoot }).filter(
    ([, value]) => value,
  )
  try {
    const { stdout } = await run('git', args, {
      cwd: folder,
      env: Object.fromEntries(known),
      maxBuffer: 64 << 20,
    })
    return stdout
  } catch {
    return null
  }
}
