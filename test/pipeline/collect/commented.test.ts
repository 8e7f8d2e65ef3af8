import { describe, expect, it } from 'vitest'
import { collect } from '../../../src/pipeline/collect/collect.js'
import { emit } from '../../../src/pipeline/emit/emit.js'
import { maskLiterals } from '../../../src/pipeline/emit/mask.js'
import { redactSource } from '../../../src/pipeline/emit/redact.js'

const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`
const commentedIn = (code: string) => collect(code, 'a.ts')?.commented ?? []

describe('a literal in a mark that is commented out', () => {
  it.each([
    ['in a line comment', `${IMPORT}// secret('old')\nf(secret('new'))`, `// secret('•••')`],
    ['after code', `${IMPORT}f(secret('new')) // was secret("old")`, `// was secret('•••')`],
    ['in a block comment', `${IMPORT}/* secret('old') */`, `/* secret('•••') */`],
    [
      'in a doc comment, over several lines',
      `${IMPORT}/**\n * @example\n * secret(\n *   'old',\n * )\n */`,
      ` *   '•••',`,
    ],
    ['with a type argument', `${IMPORT}// secret<Key>('old')`, `// secret<Key>('•••')`],
    ['in a template', `${IMPORT}// secret(\`old \${key} old\`)`, `// secret('•••')`],
    [
      'in a sum over several line comments',
      `${IMPORT}// secret('old' +\n//   "old")`,
      `// secret('•••' +\n//   '•••')`,
    ],
    ['in a string without an end', `${IMPORT}// secret('old, and it`, `// secret('•••'`],
    [
      'under another name',
      `import { secret as s } from 'unplugin-kms/secret'\ns('new')\n// s('old'), secret('old')`,
      `// s('•••'), secret('•••')`,
    ],
    [
      'of a namespace',
      `import * as kms from 'unplugin-kms/secret'\n// kms.secret('old')`,
      `// kms.secret('•••')`,
    ],
    [
      'with its import',
      `// import { secret as s } from 'unplugin-kms/secret'\n// s('old')\nexport {}`,
      `// s('•••')`,
    ],
    ['in JSX', `${IMPORT}f(<a>{/* secret('old') */}</a>)`, `{/* secret('•••') */}`],
  ])('masks a literal %s', (kind, code, shown) => {
    const file = kind === 'in JSX' ? 'a.tsx' : 'a.ts'
    expect(collect(code, file)?.commented).not.toHaveLength(0)
    const redacted = redactSource(code, file)
    expect(redacted).toContain(shown)
    expect(redacted).not.toContain('old')
    expect(redacted.split('\n')).toHaveLength(code.split('\n').length)
    expect(maskLiterals(code, file)?.code).not.toContain('old')
  })

  it.each([
    ['a token', `${IMPORT}// secret('kms:v1:AAAA')`],
    ['an ellipsis', `${IMPORT}/** secret('…') or secret("...") */`],
    ['another mark', `${IMPORT}// secret.env('OLD')`],
    ['a string that mentions a mark', `${IMPORT}f("// secret('old')")`],
    ['a method of another object', `${IMPORT}// vault.secret('path')`],
    ['a mark', `${IMPORT}/* it's */ secret('new') // new`],
    ['a module without the marker', `// secret('old')\nexport {}`],
  ])('ignores %s', (_, code) => expect(commentedIn(code)).toEqual([]))

  it('reports its place, and its value if that is one string', () => {
    const code = `${IMPORT}// secret('a\\x41' )\n  // secret('a' + 'b')`
    expect(commentedIn(code)).toMatchObject([
      { place: { line: 2, column: 4 }, argument: 'aA' },
      { place: { line: 3, column: 6 } },
    ])
    expect(commentedIn(code)[1]).not.toHaveProperty('argument')
  })
})

it('a literal in a comment of compiled code is masked where the code is emitted', () => {
  const code = `${IMPORT}// secret('old')\nf(secret('new'))`
  const call = { from: './unplugin-kms.pair.0123456789abcdef', export: 'open', args: [] }
  const emitted = emit(code, 'a.js', collect(code, 'a.js')!, [call], { isCompiled: true })
  expect(emitted.code).toContain(`// secret('•••')\nf(`)
})
