import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MARKER } from '../../../src/pipeline/collect/mark.js'
import {
  redactContents,
  scrubInlineMaps,
  scrubMap,
} from '../../../src/pipeline/leak-check/scrub.js'

const dataUrl = (text: string) =>
  `//# ${'sourceMapping'}URL=data:application/json;base64,${Buffer.from(text).toString('base64')}`

describe('a source map with the original of a module', () => {
  const never = () => false
  const original = `import { secret } from 'unplugin-kms/secret'\nconst a = secret('planted value')\n`
  const redacted = `import { secret } from 'unplugin-kms/secret'\nconst a = secret('•••')\n`
  const map = JSON.stringify({
    version: 3,
    sources: ['a.ts'],
    sourcesContent: [original],
  })

  it('is redacted in a file', () =>
    expect(JSON.parse(scrubMap(map, never))).toMatchObject({
      sourcesContent: [redacted],
    }))

  it('is redacted in a chunk', () => {
    const [, base64] = scrubInlineMaps(`f()\n${dataUrl(map)}`, never).split('base64,')
    expect(JSON.parse(Buffer.from(base64!, 'base64').toString())).toMatchObject({
      sourcesContent: [redacted],
    })
  })

  it('is redacted in a section', () => {
    const sections = { sections: [{ map: JSON.parse(map) }] }
    expect(redactContents(sections, never)).toBe(true)
    expect(JSON.stringify(sections)).not.toContain('planted value')
  })

  it('is redacted if the map has null for missing fields', () => {
    const { sourcesContent } = JSON.parse(map)
    const maps = [
      { sources: null, sourcesContent, sections: null },
      {
        sources: ['unplugin-kms/secret'],
        sourcesContent: null,
        sections: [{ url: 'a.map' }],
      },
    ]
    expect(maps.map((one) => scrubMap(JSON.stringify(one), never))).toEqual([
      JSON.stringify({ ...maps[0], sourcesContent: [redacted] }),
      JSON.stringify(maps[1]),
    ])
  })

  it('has no source if it does not parse', () => {
    expect(
      JSON.parse(
        scrubMap(
          JSON.stringify({
            sources: ['a.ts'],
            sourcesContent: [`const a = '\n${original}`],
          }),
          never,
        ),
      ).sourcesContent,
    ).toEqual([null])
  })

  it('is searched, and never quoted in an error, if it is not a valid map', () => {
    for (const text of [`)]}'\n${map}`, original, `"${MARKER}"`])
      expect(scrubMap(text, never)).toBe(text)
  })
})

describe('a source map whose sources are redacted', () => {
  const pieces = [
    '\\',
    '"',
    '\n',
    ' ',
    'a',
    '\u2028',
    'é',
    MARKER,
    `'${MARKER}'`,
    "secret('planted')",
  ]
  const source = fc
    .array(fc.constantFrom(...pieces), { maxLength: 12 })
    .map((some) => some.join(''))

  it('is the same as if each source was read, whichever of them are known', () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ content: source, isKnown: fc.boolean() }), {
          maxLength: 6,
        }),
        fc.option(fc.integer({ min: 0, max: 6 }), { nil: 0 }),
        (all, indent) => {
          const known = new Set(all.filter(({ isKnown }) => isKnown).map(({ content }) => content))
          const isRedacted = (content: string) => known.has(content)
          const map = {
            sources: all.map((_, index) => `${MARKER}-${index}.ts`),
            sourcesContent: all.map(({ content }) => content),
          }
          const text = JSON.stringify(map, null, indent)
          const expected = redactContents(map, isRedacted) ? JSON.stringify(map) : text
          expect(scrubMap(text, isRedacted)).toBe(expected)
        },
      ),
    ))

  it('is parsed if one of many sources is not known', () => {
    const shown = `import { secret } from '${MARKER}'\nconst a = secret('•••')\n`
    const other = shown.replace('•••', 'planted value')
    const text = JSON.stringify({
      sources: ['a.ts', 'b.ts'],
      sourcesContent: [shown, other],
    })
    expect(scrubMap(text, (content) => content === shown)).not.toContain('planted value')
  })
})
