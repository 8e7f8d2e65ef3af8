import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changedParts } from '../../../src/pipeline/leak-check/changes.js'
import { searchFor } from '../../../src/pipeline/leak-check/examine.js'
import { CheckedOutputs } from '../../../src/pipeline/leak-check/rebuild.js'

const SECRET = 'planted+/value?>~~'
const seen = [{ name: 'SECRET', plaintext: Buffer.from(SECRET) }]
const search = searchFor(seen, { minLength: 8, except: [] })

const line = (index: number) =>
  `function f${index}(a,b){return a.get(${(index * 7919) % 10_007})+b[${index}]};// ${(index * 2654435761) % 2 ** 32}\n`
const lines = Array.from({ length: 20_000 }, (_, index) => line(index))
const BEFORE = lines.join('')

/** Returns whether the later version has to be searched completely. */
const isChanged = (after: string, name = 'out.js', plaintexts = seen) =>
  new CheckedOutputs([{ name: 'out.js', content: BEFORE }], seen).changed(
    [{ name, content: after }],
    plaintexts,
    search,
  ).length > 0

const withLine = (at: number, text: string) => lines.with(at, text).join('')

describe('an output of a rebuild', () => {
  it.each([
    ['is the same', BEFORE],
    ['has other code in one place', withLine(9_000, 'other(code);\n')],
    ['lost a line', withLine(9_000, '')],
    ['has other code in two places', lines.with(3, 'one()\n').with(19_000, 'other()\n').join('')],
  ])('is not searched again where it %s', (_, after) => expect(isChanged(after)).toBe(false))

  it.each([
    ['a plaintext', `f(${JSON.stringify(SECRET)})\n`],
    ['a plaintext in base64', `f("${Buffer.from(SECRET).toString('base64')}")\n`],
    ['a plaintext as a list of numbers', `f([${[...Buffer.from(SECRET)].join()}])\n`],
    ['a mark', `import { secret } from "unplugin-kms/secret";\n`],
  ])('is searched completely if what is new contains %s', (_, text) =>
    expect(isChanged(withLine(9_000, text))).toBe(true),
  )

  it('is searched completely if a removal joins the halves of a plaintext', () => {
    const [one, other] = [SECRET.slice(0, 9), SECRET.slice(9)]
    const halves = lines.with(9_000, `f("${one}`).with(9_002, `${other}")\n`)
    const before = new CheckedOutputs([{ name: 'out.js', content: halves.join('') }], seen)
    const content = halves.with(9_001, '').join('')
    expect(before.changed([{ name: 'out.js', content }], seen, search)).toHaveLength(1)
  })

  it('is searched completely if its name or a plaintext is new', () => {
    expect(isChanged(BEFORE, 'other.js')).toBe(true)
    expect(isChanged(BEFORE, 'out.js', [{ name: 'OTHER', plaintext: Buffer.from(SECRET) }])).toBe(
      true,
    )
  })

  it('is searched from the beginning of a long string or list that changed', () => {
    const numbers = Array.from({ length: 60_000 }, (_, index) => index % 10)
    const list = (last: number) => withLine(9_000, `f([${numbers.join()},${last}])\n`)
    const parts = changedParts(Buffer.from(list(1)), Buffer.from(list(2)), SECRET.length)!
    const start = list(2).indexOf('f([0,')
    expect(parts.some((part) => part.start <= start + 2 && part.end > start + 120_000)).toBe(true)
  })
})

it('returns parts that cover every difference of two versions', () => {
  const edit = fc.record({
    at: fc.nat(BEFORE.length),
    removed: fc.nat(50_000),
    added: fc.string({ maxLength: 200 }),
  })
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 4 }), (edits) => {
      let text = BEFORE
      for (const { at, removed, added } of edits)
        text = text.slice(0, at) + added.replaceAll('\0', ' ') + text.slice(at + removed)
      const [before, after] = [Buffer.from(BEFORE), Buffer.from(text)]
      const parts = changedParts(before, after, SECRET.length)
      if (!parts) return
      // What is between the parts occurs in the earlier version, with what is around it.
      let from = 0
      for (const { start, end } of [...parts, { start: after.length, end: after.length }]) {
        const kept = after.subarray(Math.max(0, from - 1000), Math.min(after.length, start + 1000))
        if (start > from) expect(before.includes(kept)).toBe(true)
        from = end
      }
    }),
    { numRuns: 60 },
  )
})
