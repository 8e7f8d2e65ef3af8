import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parse } from '@babel/parser'

/** Lists the files of the repository, without those that git ignores. */
export const sourceFiles = () =>
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  })
    .split('\0')
    .filter(Boolean)

/** Parses a TypeScript or JavaScript file. @returns undefined for the invalid modules of fixtures. */
export function parseSource(file) {
  try {
    return parse(readFileSync(file, 'utf8'), {
      sourceType: 'unambiguous',
      errorRecovery: true,
      allowReturnOutsideFunction: true,
      plugins: [/\.[cm]?ts$/.test(file) ? 'typescript' : 'jsx', 'decorators-legacy'],
    })
  } catch (error) {
    if (file.startsWith('fixtures/')) return undefined
    throw error
  }
}

/** Calls a function for every node of a syntax tree, parents first. */
export function visit(node, enter) {
  enter(node)
  for (const [key, value] of Object.entries(node)) {
    if (/Comments$|^comments$/.test(key)) continue
    for (const child of [value].flat())
      if (typeof child?.type === 'string' && child.loc) visit(child, enter)
  }
}
