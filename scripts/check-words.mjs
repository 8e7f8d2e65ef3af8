// Checks that comments, messages, documentation and names use the field's usual words. Part of `npm run lint`.
import { readFileSync } from 'node:fs'
import { parseSource, sourceFiles, visit } from './source-tree.mjs'

/** What not to write in prose, and what to write instead. */
const WORDS = [
  [/\b(?:prov(?:e|es|ed|en|ing)|proofs?)\b/i, 'leak check, check'],
  [/\bstands? (?:in|behind|beside|below|there|elsewhere|alone)\b/i, 'contains, occurs in'],
  [/\bholds?\b/i, 'contains'],
  [/\b(?:gives|gave)\b/i, 'returns'],
  [/\btells\b/i, 'reports, distinguishes'],
  [/(?<!\bthere )\b(?:is|are) no (?!longer\b|more\b)[a-z]/i, 'is not a valid'],
  [/\btold of\b/i, 'called with, receives'],
  [/\banew\b/i, 'again'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bhangs? on\b/i, 'depends on'],
  [/\bat once\b/i, 'immediately'],
  [/\bwhoever\b/i, 'callers, anyone who'],
  [/\bbeside\b/i, 'next to'],
  [/\bbehind\b(?! (?:a|the) (?:CONNECT )?proxy)/i, 'after, before, next to'],
  [/\bpoison\b/i, 'an untransformed import of the marker'],
  [/\ba text (?:of|that|which|with|is)\b|\btexts\b/i, 'string'],
  [/\bone an? (?:region|key|stage|line|secret|commit|pair|file|entry|scope|mark)\b/i, 'one per'],
  [/\bbroken\b/i, 'malformed, invalid'],
  [/\bwhole\b(?! numbers?\b)/i, 'complete, intact'],
  [/\bleads? (?:to|out|nowhere|elsewhere|there)\b/i, 'points to, resolves to'],
  [/\bthe way (?:to|out)\b/i, 'ancestors, what to do'],
  [/\bnobody (?:has|uses|asks)\b/i, 'unused, unset, missing'],
  [/\bwho asks\b/i, 'callers'],
]

/** Parts of names, as the words of camel case. */
const NAME_PARTS = new Set(
  'prove proves proven proof told anew mend mended beside behind poison whoever'.split(' '),
)

/** Types are nouns, not participles. */
const PARTICIPLE = /(?:[a-z]ed|[a-z]ing|Found|Made|Known|Told|Kept|Held|Sought|Taken|Fit)$/
const NOUNS = /(?:Finding|Setting|Warning|String|Mapping|Binding|Timing|Routing|Encoding|Listing)$/

const FORMER_NAME = { words: ['proof'], reason: 'the former name of the option leakCheck' }

/** Words that a file may contain, with the reason. */
const EXCEPTIONS = {
  'scripts/check-words.mjs': {
    words: 'anew beside behind mend poison prove whoever'.split(' '),
    reason: 'lists the words',
  },
  'src/options/resolve-options.ts': FORMER_NAME,
  'src/options/types.ts': {
    words: ['proof', 'optionsresolved'],
    reason: 'the former name of the option leakCheck; the type name of unplugin packages',
  },
  'src/options/validate.ts': FORMER_NAME,
  'src/secrets/scan.ts': FORMER_NAME,
  'fixtures/adversarial/a-mark-in-a-comment/old.ts': {
    words: ['whole'],
    reason: 'a planted value',
  },
  'test/options/validate.test.ts': FORMER_NAME,
  'test/secrets/scan.test.ts': FORMER_NAME,
  'src/cli/commands/inspect.ts': { words: ['broken'], reason: 'a field of the JSON output' },
  'src/bundlers/esbuild-hold.ts': {
    words: ['hold', 'holds'],
    reason: 'the class OutputHold, which keeps outputs in memory',
  },
  'packages/runtime/src/request.ts': { words: ['wrapped'], reason: 'a blob, as in `Wrapped[]`' },
  'packages/runtime/src/shared.ts': { words: ['shared'], reason: 'the state that copies share' },
}

let failed = false
const unused = new Map(
  Object.entries(EXCEPTIONS).map(([file, { words }]) => [file, new Set(words)]),
)

function report(file, line, word, instead) {
  if (EXCEPTIONS[file]?.words.includes(word.toLowerCase())) {
    unused.get(file).delete(word.toLowerCase())
    return
  }
  failed = true
  console.error(`${file}:${line}: "${word}": write ${instead}`)
}

function checkProse(file, firstLine, prose) {
  prose.split('\n').forEach((text, at) => {
    for (const [pattern, instead] of WORDS) {
      const match = pattern.exec(text)
      if (match) report(file, firstLine + at, match[0], instead)
    }
  })
}

/** Checks Markdown without its code blocks and code spans. */
function checkMarkdown(file) {
  const prose = readFileSync(file, 'utf8')
    .replace(/^(`{3,})[^]*?^\1/gm, (block) => block.replace(/[^\n]/g, ''))
    .replace(/`[^`\n]*`/g, '``')
  checkProse(file, 1, prose)
}

function checkName(file, { name, loc }) {
  for (const part of name.split(/(?=[A-Z])|_/))
    if (NAME_PARTS.has(part.toLowerCase())) report(file, loc.start.line, name, 'another name')
}

function checkSource(file) {
  const tree = parseSource(file)
  if (!tree) return
  const { program, comments } = tree
  for (const { value, loc } of comments) checkProse(file, loc.start.line, value)
  visit(program, (node) => {
    const { type, loc } = node
    if (type === 'StringLiteral' && node.value.includes(' '))
      checkProse(file, loc.start.line, node.value)
    if (type === 'TemplateElement') checkProse(file, loc.start.line, node.value.raw)
    if (type === 'Identifier') checkName(file, node)
    if (/^(?:TSInterface|TSTypeAlias|Class)Declaration$/.test(type) && node.id) {
      const { name } = node.id
      if (PARTICIPLE.test(name) && !NOUNS.test(name)) report(file, loc.start.line, name, 'a noun')
    }
  })
}

for (const file of sourceFiles()) {
  if (file.endsWith('.md')) checkMarkdown(file)
  else if (/\.(?:[cm]?[jt]s)$/.test(file)) checkSource(file)
}
for (const [file, words] of unused)
  for (const word of words) {
    failed = true
    console.error(
      `${file} does not contain "${word}": remove its exception from scripts/check-words.mjs`,
    )
  }
process.exitCode = failed ? 1 : 0
