import { basename, dirname } from 'node:path'
import { createHash } from 'node:crypto'
import { git } from '../util/git.js'

const TOKEN = /kms:v\d+:[\w-]+/g

/**
 * Reads from the git history of a secrets file when its tokens were replaced.
 *
 * @param since how far back, as git's `--since` takes it.
 * @returns dates (ISO 8601) by the SHA-256 of the token that a commit removed.
 */
export async function replacements(path: string, since: string): Promise<Map<string, string>> {
  const log = await git(dirname(path), [
    'log',
    '-p',
    '-U0',
    '--no-color',
    '--no-ext-diff',
    '--format=commit %cI',
    `--since=${since}`,
    '--',
    basename(path),
  ])
  const dates = new Map<string, string>()
  let date = ''
  for (const line of (log ?? '').split('\n')) {
    const [, of] = /^commit (\S+)$/.exec(line) ?? []
    if (of) date = of
    if (!line.startsWith('-') || line.startsWith('---')) continue
    for (const [token] of line.matchAll(TOKEN)) {
      const digest = createHash('sha256').update(token).digest('hex')
      // git lists the latest commit first; a token is removed once, or again after a revert.
      if (!dates.has(digest)) dates.set(digest, date)
    }
  }
  return dates
}
