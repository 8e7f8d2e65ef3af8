// Checks that the commits since the base are Conventional Commits. Skipped in a clone that lacks the
// base: a shallow one, or one with another history.
import { execFileSync } from 'node:child_process'

/** The last commit before the rule. */
const BASE = 'd0cea24'
const SUBJECT =
  /^(?:build|chore|ci|docs|feat|fix|perf|refactor|revert|style|test)(?:\([\w./-]+\))?!?: \S.*$/
const LONGEST = 80

const git = (...args) => {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return undefined
  }
}

const isAncestor = git('merge-base', '--is-ancestor', BASE, 'HEAD') !== undefined
const log = isAncestor ? git('log', '--no-merges', '--format=%h %s', `${BASE}..HEAD`) : undefined
if (log === undefined) {
  console.log(`skipped: ${BASE} is not in the history of this clone`)
} else {
  const commits = log.trim().split('\n').filter(Boolean)
  const bad = commits.filter((commit) => {
    const subject = commit.slice(commit.indexOf(' ') + 1)
    return !SUBJECT.test(subject) || subject.length > LONGEST
  })
  for (const commit of bad)
    console.error(`not a Conventional Commit of at most ${LONGEST} characters: ${commit}`)
  console.log(`${commits.length} commits, ${bad.length} not conventional`)
  process.exitCode = bad.length ? 1 : 0
}
