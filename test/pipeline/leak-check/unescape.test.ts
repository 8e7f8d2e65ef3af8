import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unescape } from '../../../src/pipeline/leak-check/unescape.js'

/** As far as a pattern of any length may reach. */
const ANYTHING = { reach: Infinity }

const read = (text: string) => {
  const bytes = Buffer.from(text)
  return (unescape(bytes, ANYTHING)?.bytes ?? bytes).toString()
}

describe('escapes are decoded', () => {
  it('as JSON reads them', () => {
    const unquoted = fc.string({ unit: 'grapheme' }).filter((text) => !/["'`]/.test(text))
    fc.assert(
      fc.property(unquoted, (text) => {
        expect(read(JSON.stringify(text).slice(1, -1))).toBe(text.toWellFormed())
      }),
    )
  })

  it('as JavaScript reads them', () => {
    const hex = (digits: number) =>
      fc.nat(16 ** digits - 1).map((number) => number.toString(16).padStart(digits, '0'))
    const piece = fc.oneof(
      fc.constantFrom(
        'a',
        '7',
        'é',
        '😀',
        '\\n',
        '\\t',
        '\\0',
        '\\\\',
        '\\\n',
        '\\\u2028',
        '\\é',
        '\\😀',
      ),
      hex(2).map((digits) => `\\x${digits}`),
      hex(4).map((digits) => `\\u${digits}`),
      fc.nat(0x10ffff).map((point) => `\\u{${point.toString(16)}}`),
    )
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        // An octal escape is none in a module.
        const text = pieces.join('').replace(/\\0(?=\d)/g, '')
        const said = runInNewContext(`'${text}'`) as string
        expect(read(text)).toBe(said.toWellFormed())
      }),
    )
  })

  it.each([
    [String.raw`\101\60\377`, 'A0ÿ'],
    [String.raw`\u{110000}a`, 'a'],
    [String.raw`\ud83d\ude00`, '😀'],
    [String.raw`\ud83da`, '\ufffda'],
    [String.raw`a\\`, 'a\\'],
    ['a\\', 'a\\'],
  ])('%s', (text, said) => expect(read(text)).toBe(said))
})

describe('unescape of strings', () => {
  it.each([
    [`'a' + "b"`, `'ab"`],
    [`('a') +\n(\`b\`)`, "('ab`)"],
    ['`a${ "b" }c`', '`abc`'],
    [`'a' /* of */ + // the\n'b'`, `'ab'`],
    [`'a'\u00a0+\u2003'b'`, `'ab'`],
    [`'a' /${'*'.repeat(3)}/ + 'b'`, `'ab'`],
    [`'a' /*${'x'.repeat(5000)}*/ + 'b'`, `'ab'`],
    [`"a".concat("b", 'c')`, `"abc')`],
  ])('joins %s', (text, said) => expect(read(text)).toBe(said))

  it.each([`'a' - 'b'`, `'a' + b`, '${a}'])('does not join %s', (text) =>
    expect(read(text)).toBe(text),
  )
})
