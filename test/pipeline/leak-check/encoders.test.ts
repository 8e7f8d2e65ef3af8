import { Buffer } from 'node:buffer'
import { randomBytes, createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { examine, searchFor } from '../../../src/pipeline/leak-check/examine.js'
import { ENCODERS, VALUES } from './encoders.js'

const OPTIONS = { minLength: 8, except: [] }
const searchForValue = (value: string) =>
  searchFor([{ name: 'SECRET', plaintext: Buffer.from(value) }], OPTIONS)

const AROUND = `import { a } from './a.js'\nexport const b = "b" + a /* c */;\n`

describe.each(Object.keys(ENCODERS))('reports a value that is encoded by %s', (encoder) => {
  it.each(Object.keys(VALUES))('with %s', (kind) => {
    const value = VALUES[kind]!
    const search = searchForValue(value)
    const encoded = ENCODERS[encoder]!(value)
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

it('reports none of 1,000,000 random strings that are no secrets', { timeout: 600_000 }, () => {
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
  for (let batch = 0; batch < 100; batch++) {
    const random = randomBytes(10_000 * 18)
    const encoding = kinds[batch % kinds.length]!
    const strings = Array.from({ length: 10_000 }, (_, at) =>
      random.subarray(at * 18, at * 18 + 6 + (at % 12)).toString(encoding),
    )
    const { leaks } = examine([{ name: 'out.json', content: JSON.stringify(strings) }], search)
    expect(leaks).toEqual([])
  }
})
