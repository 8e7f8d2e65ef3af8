// Checks that the code and the documentation use the field's usual words. Part of `npm run lint`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What not to write, and what to write instead. */
const WORDS = [
  [/\b(?:prov(?:e|es|ed|en|ing)|proofs?)\b/i, 'leak check, check'],
  [/\bstands? in\b/i, 'contains, occurs in'],
  [/(?<!\bthere )\b(?:is|are) no (?!longer\b|more\b)[a-z]/i, 'is not a valid'],
  [/\btold of\b/i, 'called with, receives'],
  [/\banew\b/i, 'again'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bhangs? on\b/i, 'depends on'],
  [/\bat once\b/i, 'immediately'],
  [/\bwhoever\b/i, 'callers, anyone who'],
  [/\bbeside\b/i, 'next to'],
  [/\bpoison\b/i, 'an untransformed import of the marker'],
]

/** Folders and files that are checked. */
const CHECKED = ['src/cli/', 'src/util/', 'scripts/', 'README.md', 'CHANGELOG.md', 'docs/README.md']

/** Still to do: src/*, packages/*, test/, docs/, CONTRIBUTING.md, SECURITY.md. Move them up when they are clean. */

/** Exceptions, each with its reason. A file without hits must leave this list. */
const EXCEPTIONS = {
  'scripts/check-words.mjs': 'lists the words',
}

const files = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  {
    encoding: 'utf8',
  },
)
  .split('\0')
  .filter(
    (file) => CHECKED.some((part) => file.startsWith(part)) && /\.(?:[cm]?[jt]s|md)$/.test(file),
  )

let failed = false
for (const file of files) {
  let hits = 0
  readFileSync(file, 'utf8')
    .split('\n')
    .forEach((line, at) => {
      for (const [pattern, instead] of WORDS) {
        const match = pattern.exec(line)
        if (!match) continue
        hits++
        if (EXCEPTIONS[file]) continue
        failed = true
        console.error(`${file}:${at + 1}: "${match[0]}": write ${instead}`)
      }
    })
  if (EXCEPTIONS[file] && !hits) {
    failed = true
    console.error(`${file} has no exception any more: remove it from scripts/check-words.mjs`)
  }
}
process.exitCode = failed ? 1 : 0
