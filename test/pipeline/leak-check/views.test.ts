import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { examine, searchFor } from '../../../src/pipeline/leak-check/examine.js'
import { runsOf } from '../../support/combinations.js'

const leaksIn = (content: string, ...plaintexts: string[]) =>
  examine(
    [{ name: 'main.js.map', content }],
    searchFor(
      plaintexts.map((text, at) => ({ name: `SECRET_${at}`, plaintext: Buffer.from(text) })),
      { minLength: 8, except: [] },
    ),
  ).leaks

/** Code as it stands around a text: what ends, what opens, what is escaped. */
const CODE = [
  `request.headers.set('authorization', "Bearer")\n}\n`,
  'throw new RangeError(`service has ${id} since ${known.toISOString()}`)\n',
  `const pattern = /\\d+["'\\n]/ // it's\n`,
  `console.log("a\\tb", 'c', \`d\`) /* 'e' + */\n`,
  `export const value = 12_345 * (index % 40);\r\n`,
  `/** Adds what the caller asked for, unless it is there already. */\n`,
  `const image = 'data:image/png;base64,iVBORw0KGgo='\n`,
]

const code = fc
  .tuple(fc.array(fc.constantFrom(...CODE), { maxLength: 4 }), fc.nat(60))
  .map(([lines, times]) => lines.join('') + CODE[4]!.repeat(times))

const gap = fc.constantFrom('', ' ', '\n      ', '\t', ' /* of */ ', ' // the\n  ', ' \u00a0')

/** A character as JavaScript may write it between quotes of a kind. */
const written = (character: string, quote: string) => {
  const point = character.codePointAt(0)!
  const hex = point.toString(16)
  const units = [...Array(character.length).keys()].map((at) => character.charCodeAt(at))
  const escaped = [
    `\\u{${hex}}`,
    units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join(''),
    ...(point < 0x100 ? [`\\x${hex.padStart(2, '0')}`] : []),
  ]
  const short = { '\n': '\\n', '\t': '\\t', '\\': '\\\\', [quote]: `\\${quote}`, $: '\\$' }[
    character
  ]
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant(short ?? character) },
    { weight: 1, arbitrary: fc.constantFrom(...escaped) },
  )
}

const literal = (text: string) =>
  fc
    .constantFrom('"', "'", '`')
    .chain((quote) =>
      fc
        .tuple(...[...text].map((character) => written(character, quote)))
        .map((characters) => quote + characters.join('') + quote),
    )

/** An expression that is the text: one literal, a sum of several, a template around one. */
const expression = (text: string): fc.Arbitrary<string> => {
  const characters = [...text]
  const cut = fc.nat(characters.length)
  return fc.oneof(
    literal(text),
    fc.tuple(cut, cut, fc.array(gap, { minLength: 4, maxLength: 4 })).chain(([one, two, gaps]) => {
      const [from, to] = [Math.min(one, two), Math.max(one, two)]
      const parts = [characters.slice(0, from), characters.slice(from, to), characters.slice(to)]
      return fc
        .tuple(...parts.map((part) => literal(part.join(''))))
        .map(([a, b, c]) => `${a}${gaps[0]}+${gaps[1]}${b}${gaps[2]}+${gaps[3]}${c}`)
    }),
    fc
      .tuple(cut, gap, gap)
      .chain(([at, before, after]) =>
        literal(characters.slice(at).join('')).map(
          (inner) =>
            `\`${JSON.stringify(characters.slice(0, at).join('')).slice(1, -1).replace(/[`$]/g, '\\$&')}\${${before}${inner}${after}}\``,
        ),
      ),
  )
}

/** Strings inside strings: a map's sources, a module inside eval, a map inside a data URL. */
const WRAPPERS = {
  json: (text: string) =>
    JSON.stringify({ version: 3, sourcesContent: ['export {}\n', text], mappings: 'AAAA' }),
  // As PHP writes JSON.
  slashes: (text: string) => JSON.stringify([text]).replaceAll('/', '\\/'),
  eval: (text: string) => `eval(${JSON.stringify(text)})\n`,
  data: (text: string) =>
    `//# sourceMappingURL=data:application/json;base64,${Buffer.from(text).toString('base64')}`,
}

/** Plaintexts that look like sums or templates are found only verbatim. */
const plaintext = fc
  .oneof(
    fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('a', 'Z', '7', '"', '\n', '\t', 'é', '😀'), minLength: 8 }),
  )
  .filter((text) => !/[+}{$]|\/[/*]/.test(text))
  // Its last backslash would escape the quote after it, once its percent-encoding is decoded.
  .filter((text) => !/%[\da-f]{2}.*\\$/is.test(text))

describe('a plaintext', () => {
  it('is found if it is escaped, joined, in templates and in other strings', () => {
    const output = plaintext.chain((text) =>
      fc.record({
        text: fc.constant(text),
        // Other secrets decide which escapes matter.
        others: fc.array(plaintext, { maxLength: 2 }),
        expression: expression(text),
        before: code,
        after: code,
        wrappers: fc.array(fc.constantFrom(...Object.values(WRAPPERS)), { maxLength: 3 }),
      }),
    )
    fc.assert(
      fc.property(output, ({ text, others, expression, before, after, wrappers }) => {
        const module = `${before}const value = ${expression}\n${after}`
        expect(
          leaksIn(
            wrappers.reduce((inner, wrap) => wrap(inner), module),
            text,
            ...others,
          ),
        ).toContainEqual(expect.objectContaining({ secret: 'SECRET_0' }))
      }),
      { numRuns: runsOf(1000) },
    )
  })
})

it('finds a plaintext that is shorter than minLength once its own escapes are decoded', () => {
  expect(leaksIn(String.raw`const value = "T%26\x41abc"`, 'T%26Aabc')).toHaveLength(1)
  expect(leaksIn('const value = `${"%00   \\u{20} "}`', '%00     ')).toHaveLength(1)
})

describe('a string is joined', () => {
  const comments = '// what this is for\n'.repeat(100)
  it.each([
    ["`${`${'correct-'}horse`}-battery`", 'correct-horse-battery'],
    [`\`\${'{"a":"b"}, \\"c\\"}correct-'}horse\``, 'correct-horse'],
    [`'correct-' + // ends in \\n always\n  'horse'`, 'correct-horse'],
    [`'correct-' + // ends in "\\n" always\n  'horse'`, 'correct-horse'],
    [`"correct-" + /*${'\n "of"'.repeat(30)} */ "horse"`, 'correct-horse'],
    [`"correct-" +\n${comments}"horse"`, 'correct-horse'],
  ])('%s', (text, secret) => {
    expect(leaksIn(text, secret)).toHaveLength(1)
    expect(leaksIn(JSON.stringify([text]), secret)).toHaveLength(1)
  })

  it('after a comment that ends inside JSON', () => {
    const text = `'correct-' + // of a\n\t'horse'`
    expect(leaksIn(`[\n${JSON.stringify(text)}\n]`, 'correct-horse')).toHaveLength(1)
  })

  it('inside a comment in another sum', () => {
    const text = `"a" // once 'correct-' + 'horse'\n + "b"`
    expect(leaksIn(JSON.stringify([text]), 'correct-horse')).toHaveLength(1)
  })
})

it('the search of many comments with a quote in each terminates', () => {
  // Enough that reading on from each to the last outlasts the test.
  expect(leaksIn('//"\n'.repeat(200_000), 'correct-\nhorse')).toEqual([])
})

describe('text that is far from every change', () => {
  it('belongs to a secret so long that a change reaches it', () => {
    const long = 'correct-horse '.repeat(500)
    expect(leaksIn(`const key = '${long}\\x41'`, `${long}A`)).toHaveLength(1)
    expect(leaksIn(`const key = '\\x41${long}'`, `A${long}`)).toHaveLength(1)
  })

  it('belongs to a data URL that a change cuts in two', () => {
    const image = Buffer.alloc(30_000, 'image').toString('base64')
    const secret = Buffer.from('---corr\\x65ct-horse-battery').toString('base64')
    const url = `data:image/png;base64,${image}\\u002b${image.slice(1)}${secret}`
    expect(leaksIn(`const url = '${url}'`, 'correct-horse-battery')).toHaveLength(1)
  })

  it('is counted in the place of a leak in the file', () => {
    const far = `${CODE[4]!.repeat(500)}const a = 'b' + 'c'\n`
    const leak = `${far}${far}const key = 'correct-' +\n  'hor\\x73e'\n`
    expect(leaksIn(leak, 'correct-horse')).toMatchObject([
      { place: '1003:14', reading: ' (unescaped)' },
    ])
    expect(leaksIn(JSON.stringify([leak]), 'correct-horse')).toMatchObject([
      { place: `1:${JSON.stringify([leak]).indexOf('correct-') + 1}` },
    ])
  })
})

describe('a search of hostile bytes terminates', () => {
  const bomb = gzipSync(Buffer.alloc(1 << 23))
  // Reading on from each repetition to the last would outlast the test.
  it.each<[string, string]>([
    ['lists of strings', '["a",'],
    ['strings that begin lists', `["['`],
    ['lists with escaped quotes', String.raw`["\"`],
    ['members of lists', '{"0":1,'],
    ['braces before white space', '{\n    '],
    ['numbers', '[1,2,3,4,'],
    ['soft line breaks', '=3D=\r\n'],
    ['pairs of digits', '63:'],
    ['pairs with line breaks', '6f,\n'],
    ['magic numbers of gzip', '\x1f\u008b\x08\x00'],
    ['base32 in lines', 'MFRGGZDFMZTWQ2LK\n* '],
    ['references', '&amp'],
  ])('%s', (_, text) => {
    const content = Buffer.from(text.repeat(Math.ceil(1_500_000 / text.length)), 'latin1')
    const search = searchFor(
      ['correct-horse-battery', 'x'.repeat(100_000)].map((value, at) => ({
        name: `SECRET_${at}`,
        plaintext: Buffer.from(value),
      })),
      { minLength: 8, except: [] },
    )
    expect(examine([{ name: 'out.bin', content }], search).leaks).toEqual([])
  })

  it('many streams that each decompress to megabytes', () => {
    expect(leaksIn(JSON.stringify(Array(300).fill(bomb.toString('base64'))), 'secret')).toEqual([])
  })
})
