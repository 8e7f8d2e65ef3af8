import { Buffer } from 'node:buffer'
import { randomBytes, createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { examine, searchFor } from '../../../src/pipeline/leak-check/examine.js'
import { shareOf, triesAll } from '../../support/combinations.js'
import { ENCODERS, VALUES } from './encoders.js'
import { NESTED_ENCODERS } from './nested-encoders.js'

const OPTIONS = { minLength: 8, except: [] }
const searchForValue = (value: string) =>
  searchFor([{ name: 'SECRET', plaintext: Buffer.from(value) }], OPTIONS)

const AROUND = `import { a } from './a.js'\nexport const b = "b" + a /* c */;\n`

const ALL = { ...ENCODERS, ...NESTED_ENCODERS }

/** A string that ends in `${` is read as the beginning of a template, and so is what follows. */
const AMBIGUOUS: Record<string, string[]> = { 'a concat of pieces': ['a template hole'] }

const NAMES = Object.keys(ALL)

describe.each(NAMES)('reports a value that is encoded by %s', (encoder) => {
  const kinds = Object.keys(VALUES).filter((kind) => !AMBIGUOUS[encoder]?.includes(kind))
  it.each(shareOf(kinds, NAMES.indexOf(encoder), 2))('with %s', (kind) => {
    const value = VALUES[kind]!
    const search = searchForValue(value)
    const encoded = ALL[encoder]!(value)
    const outputs =
      typeof encoded === 'string'
        ? [encoded, `${AROUND}const value = ${encoded}\n${AROUND}`, JSON.stringify([encoded])]
        : [encoded]
    for (const content of outputs)
      expect(examine([{ name: 'out.txt', content }], search).leaks).toContainEqual(
        expect.objectContaining({ secret: expect.stringMatching(/^SECRET(?:#|$)/) }),
      )
  })
})

describe('leak check', () => {
  const KEY = Buffer.from('00fe80c3286f70656e736573616d65ff', 'hex')
  const BYTES: Record<string, string | Uint8Array> = {
    'in a Latin-1 string': JSON.stringify(KEY.toString('latin1')),
    'in escapes': `"${[...KEY].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`,
    'in a list': `Uint8Array.of(${KEY.join(', ')})`,
    'in base64 in a list of lines': JSON.stringify({ key: KEY.toString('base64') }, null, 2),
    'in quoted-printable text': [...KEY]
      .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  }
  it.each(Object.keys(BYTES))('reports bytes that are not text %s', (kind) => {
    const search = searchFor([{ name: 'KEY', plaintext: KEY }], OPTIONS)
    const content = BYTES[kind]!
    expect(examine([{ name: 'out.js', content }], search).leaks).toHaveLength(1)
  })

  it.each([
    ['86753098675309', '0x4ee6c7a1346d'],
    ['12000000000', '12e9'],
  ])('reports the number %s that a minifier writes as %s', (value, written) => {
    expect(Number(written)).toBe(Number(value))
    const content = `const pin=${written};`
    expect(examine([{ name: 'out.js', content }], searchForValue(value)).leaks).toHaveLength(1)
  })
})

const BATCHES = triesAll ? 100 : 20

it(`reports none of ${BATCHES * 10_000} random strings`, () => {
  const secrets = Array.from({ length: 100 }, (_, at) => ({
    name: `SECRET_${at}`,
    plaintext: Buffer.from(
      [...Object.values(VALUES)][at] ??
        createHash('sha256')
          .update(`${at}`)
          .digest('base64')
          .slice(0, 8 + (at % 30)),
    ),
  }))
  const search = searchFor(secrets, OPTIONS)
  const kinds = ['base64', 'hex', 'base64url', 'latin1'] as const
  for (let batch = 0; batch < BATCHES; batch++) {
    const random = randomBytes(10_000 * 18)
    const encoding = kinds[batch % kinds.length]!
    const strings = Array.from({ length: 10_000 }, (_, at) =>
      random.subarray(at * 18, at * 18 + 6 + (at % 12)).toString(encoding),
    )
    const { leaks } = examine([{ name: 'out.json', content: JSON.stringify(strings) }], search)
    expect(leaks).toEqual([])
  }
})
