// Checks the titles of tests: `it` instead of `test`, and at most 90 characters. Part of `npm run lint`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parse } from '@babel/parser'

const LONGEST = 90

/** Titles that do not start a sentence of their own. */
const FRAGMENT = /^(?:and|but|nor|or) /

const files = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  {
    encoding: 'utf8',
  },
)
  .split('\0')
  .filter((file) => file.endsWith('.test.ts'))

let failed = false

function fail(file, node, message) {
  failed = true
  console.error(`${file}:${node.loc.start.line}: ${message}`)
}

/** Returns `it` for the callees `it`, `it.skipIf(…)` and `it.each(…)`. */
function rootName(callee) {
  if (callee.type === 'Identifier') return callee.name
  if (callee.type === 'MemberExpression') return rootName(callee.object)
  if (callee.type === 'CallExpression') return rootName(callee.callee)
  return undefined
}

function titleOf(node) {
  if (node?.type === 'StringLiteral') return node.value
  return node?.type === 'TemplateLiteral'
    ? node.quasis.map(({ value }) => value.cooked).join('…')
    : undefined
}

function checkCall(file, { callee, arguments: [first] }) {
  const name = rootName(callee)
  if (name !== 'it') return
  const title = titleOf(first)
  if (title === undefined) return
  if (title.length > LONGEST)
    fail(file, first, `the title has ${title.length} characters, more than ${LONGEST}: ${title}`)
  if (FRAGMENT.test(title)) fail(file, first, `the title is not a complete sentence: ${title}`)
}

function walk(file, node) {
  if (node.type === 'CallExpression') checkCall(file, node)
  if (node.type === 'ImportDeclaration' && node.source.value === 'vitest')
    for (const { imported } of node.specifiers)
      if (imported?.name === 'test') fail(file, node, 'import it instead of test')
  for (const value of Object.values(node))
    for (const child of [value].flat())
      if (typeof child?.type === 'string' && child.loc) walk(file, child)
}

for (const file of files)
  walk(
    file,
    parse(readFileSync(file, 'utf8'), { sourceType: 'module', plugins: ['typescript'] }).program,
  )

process.exitCode = failed ? 1 : 0
