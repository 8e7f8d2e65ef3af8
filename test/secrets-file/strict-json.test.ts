import fc from 'fast-check'
import { expect, it } from 'vitest'
import { strictJson } from '../../src/secrets-file/strict-json.js'

/** A JSON value: its text, and whether an object in it has a name twice. */
interface Written {
  text: string
  hasTwice: boolean
}

const space = fc.constantFrom('', ' ', '\n', '\r\n  ', '\t')
/** Names and strings that contain quotes, colons and braces, or are written with an escape. */
const string = fc.constantFrom('""', '"A"', '"\\u0041"', '"B"', '": "', '"\\":"', '"{\\\\"', '"[:"')
const leaf: fc.Arbitrary<Written> = fc
  .oneof(string, fc.constantFrom('null', '0', 'true'))
  .map((text) => ({ text, hasTwice: false }))

const { value } = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => ({
      text: `[${items.map(({ text }) => text).join(',')}]`,
      hasTwice: items.some(({ hasTwice }) => hasTwice),
    })),
    fc.array(fc.tuple(string, space, space, tie('value')), { maxLength: 4 }).map((members) => {
      const names = members.map(([name]) => JSON.parse(name) as string)
      return {
        text: `{${members.map(([name, a, b, { text }]) => `${a}${name}${b}:${text}`).join(',')}}`,
        hasTwice:
          new Set(names).size < names.length || members.some(([, , , { hasTwice }]) => hasTwice),
      }
    }),
  ),
}))

const fail = (what: string): never => {
  throw new Error(what)
}

it('rejects text exactly if an object has a name twice', () => {
  const seen = new Set<boolean>()
  fc.assert(
    fc.property(value, ({ text, hasTwice }) => {
      seen.add(hasTwice)
      if (hasTwice) expect(() => strictJson(text, fail)).toThrow(/stands twice/)
      else expect(strictJson(text, fail)).toEqual(JSON.parse(text))
    }),
    { numRuns: 2000 },
  )
  expect([...seen].toSorted()).toEqual([false, true])
})

it('accepts text that is nested more deeply than a function may call itself', () => {
  const text = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  expect(() => strictJson(text, fail)).not.toThrow()
})
