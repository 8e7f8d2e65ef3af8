// Checks the titles of tests: `it` instead of `test`, and at most 90 characters. Part of `npm run lint`.
import { parseSource, sourceFiles, visit } from './source-tree.mjs'

const LONGEST = 90

/** Titles that do not start a sentence of their own. */
const FRAGMENT = /^(?:and|but|nor|or) /

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

function checkNode(file, node) {
  if (node.type === 'CallExpression') checkCall(file, node)
  if (node.type === 'ImportDeclaration' && node.source.value === 'vitest')
    for (const { imported } of node.specifiers)
      if (imported?.name === 'test') fail(file, node, 'import it instead of test')
}

for (const file of sourceFiles())
  if (file.endsWith('.test.ts')) visit(parseSource(file).program, (node) => checkNode(file, node))

process.exitCode = failed ? 1 : 0
