import { describe, expect, it } from 'vitest'
import { collect } from '../../../src/pipeline/collect/collect.js'
import { emit, type ShimCall } from '../../../src/pipeline/emit/emit.js'
import { parse } from '../../../src/syntax/parse.js'
import { traverse } from '../../../src/syntax/traverse.js'

const OPENING: ShimCall = {
  from: './unplugin-kms.pair.0123456789abcdef',
  export: 'open',
  args: ['kms:v1:AAAA', 'KEY'],
}
const FREE = 'kms_open_0123456789abcdef'
const SYNC = 'kms_sync'
const MARK = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`
const SYNC_MARK = `import { secret } from 'unplugin-kms/secret/sync'\nexport const key = secret.env('KEY')\n`

const emitted = (code: string) => {
  const collected = collect(code, 'main.ts')!
  return emit(
    code,
    'main.ts',
    collected,
    collected.marks.map(() => OPENING),
  ).code
}

/** Returns the identifiers of a module, as the parser finds them, with their counts. */
function identifiersOf(code: string) {
  const counts = new Map<string, number>()
  traverse(parse(code, 'main.ts'), {
    Identifier: ({ node }) => void counts.set(node.name, (counts.get(node.name) ?? 0) + 1),
  })
  return counts
}

describe('the call that replaces a mark has a name', () => {
  it('of ours, if the module has no such name', () => {
    expect(identifiersOf(emitted(MARK)).get(FREE)).toBe(2)
    expect(identifiersOf(emitted(SYNC_MARK)).get(SYNC)).toBe(2)
  })

  it.each([
    ['at the top level', (name: string) => `const ${name} = 1\n`],
    [
      'in a function around the mark',
      (name: string) => `function f(${name}) { return secret.env('KEY') }\n`,
    ],
    ['in a block around the mark', (name: string) => `{ const ${name} = 1; secret.env('KEY') }\n`],
    ['as a global that is read', (name: string) => `console.log(${name})\n`],
    ['as a global that is assigned', (name: string) => `globalThis.x = () => { ${name} = 1 }\n`],
    ['as an import', (name: string) => `import { ${name} } from './other.js'\n`],
    ['as an export', (name: string) => `export { key as ${name} }\n`],
    ['as a label, a type and a property', (name: string) => `type ${name} = { ${name}: 1 }\n`],
    ['with its letters escaped', (name: string) => `const ${name.replace('k', '\\u006b')} = 1\n`],
    [
      'with its letters escaped in braces',
      (name: string) => `const ${name.replace('_', '\\u{5f}')} = 1\n`,
    ],
    [
      'and the next one that would be chosen',
      (name: string) => `const ${name} = 1, _${name} = 2\n`,
    ],
  ])('that the module does not use %s', (_, use) => {
    for (const [source, name] of [
      [MARK, FREE],
      [SYNC_MARK, SYNC],
    ] as const) {
      const code = source + use(name)
      const theirs = identifiersOf(code)
      const ours = identifiersOf(emitted(code))
      const taken = [...theirs].filter(([one]) => one.includes('kms_'))
      expect(taken).not.toEqual([])
      expect(taken.map(([one]) => [one, ours.get(one)])).toEqual(taken)
    }
  })
})
