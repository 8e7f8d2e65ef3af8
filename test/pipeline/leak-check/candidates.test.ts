import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unescape, type UnescapeOptions } from '../../../src/pipeline/leak-check/unescape.js'
import { ENCODERS, VALUES } from './encoders.js'
import { NESTED_ENCODERS } from './nested-encoders.js'
import { runsOf } from '../../support/combinations.js'

/** Everything that an escape, a list, a joint or a comment consists of. */
const PIECES = [
  ...'\\%&"\'`$[({=+,:.;-/*#)}]\n\r\t\f\v\0 0123789abcdefnruUxXovAF_é\u00a0\u2003\u3000\ufeff',
  ...['\\\\', '\\n', '\\"', '\\t', '\\é', '\\\u2028', '\\x41', '\\u0041', '\\u{41}', '\\101'],
  ...[
    '%41',
    '%u0041',
    '&amp',
    '&lt;',
    '&#65;',
    '&#x41',
    '&NotEqual;',
    '=3D',
    '=C3',
    '=\r\n',
    '= \n',
  ],
  ...['" + "', "'+'", '${"', '${ `', '"}', '`\n}', '.concat(', '", "', '// c', '/* c */', '/*'],
  ...[
    '[112,97,115,115]',
    '(0x70, 0o141,-3,4)',
    '["a","b","c","d"]',
    '{"0":112,',
    '"1":97}',
    '{1,2,3,4}',
  ],
  ...["['pa', 'ss'].join('')", 'const value = ', 'x'.repeat(40)],
]
const texts = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 60 })
  .map((pieces) => Buffer.from(pieces.join('')))
const bytes = fc.uint8Array({ maxLength: 60 }).map((some) => Buffer.from(some))

const optionsOf = fc.record({
  reach: fc.constantFrom(0, 3, 20, 300, Infinity),
  syntax: fc.constantFrom(undefined, undefined, 'css' as const, 'quoted-printable' as const),
  throughBackslashes: fc.boolean(),
})

function read(input: Buffer, options: UnescapeOptions, everyByte: boolean) {
  const parts = unescape(input, options, everyByte)
  if (!parts) return null
  const { bytes: decoded, skipped, others, originOf } = parts
  const origins = Array.from({ length: Math.min(decoded.length, 20) }, (_, at) => originOf(at))
  return { decoded: decoded.toString('latin1'), skipped, others, origins }
}

function expectEqual(input: Buffer, options: UnescapeOptions): void {
  expect(read(input, options, false)).toEqual(read(input, options, true))
}

describe('decoding at candidates only', () => {
  it('returns what decoding every byte returns', () => {
    fc.assert(fc.property(fc.oneof(texts, bytes), optionsOf, expectEqual), {
      numRuns: runsOf(50_000),
    })
  })

  it('returns the same for inputs of more than one checkpoint', () => {
    const long = fc
      .array(fc.tuple(texts, fc.nat(70_000)), { maxLength: 4 })
      .map((parts) =>
        Buffer.concat(parts.flatMap(([text, gap]) => [text, Buffer.alloc(gap, 'ab\\n\\"')])),
      )
    fc.assert(fc.property(long, optionsOf, expectEqual), { numRuns: runsOf(200) })
  })

  it('returns the same for each encoder and value, and for real code', () => {
    const files = [
      'src/pipeline/leak-check/views.ts',
      'package-lock.json',
      'test/pipeline/leak-check/encoders.ts',
    ]
    const inputs = files.map((file) => readFileSync(file, 'utf8'))
    for (const encode of Object.values({ ...ENCODERS, ...NESTED_ENCODERS }))
      for (const value of Object.values(VALUES)) inputs.push(Buffer.from(encode(value)).toString())
    for (const input of inputs)
      for (const text of [input, JSON.stringify([input])])
        for (const syntax of [undefined, 'css', 'quoted-printable'] as const)
          expectEqual(Buffer.from(text), { reach: 64, syntax })
  })
})
