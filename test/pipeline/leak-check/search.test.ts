import { describe, expect, it } from 'vitest'
import { examine, searchFor } from '../../../src/pipeline/leak-check/examine.js'
import { searcher, type Pattern } from '../../../src/pipeline/leak-check/search.js'

const patternOf = (text: string): Pattern => ({
  bytes: Buffer.from(text),
  name: text,
  encoding: 'as it is',
})
const found = (patterns: Pattern[], haystack: string) =>
  searcher(patterns)(Buffer.from(haystack)).map(({ pattern, offset }) => [pattern.name, offset])

/** Lines that begin as code does: enough that comparing each with each outlasts a test. */
const LINES = Array.from(
  { length: 6000 },
  (_, at) => `            "the long name of number ${at}": "${(at * 7919).toString(36)}",`,
)

describe('a search for many patterns', () => {
  it('finds each at the beginning and at the end, wherever its window is', () => {
    const alike = Array.from({ length: 40 }, (_, at) => `begins alike, ends with ${at}.`)
    const patterns = ['pa55word', ...alike].map(patternOf)
    for (const text of alike) {
      expect(found(patterns, text)).toEqual([[text, 0]])
      expect(found(patterns, `${'-'.repeat(99)}${text}`)).toEqual([[text, 99]])
      expect(found(patterns, text.slice(1))).toEqual([])
      expect(found(patterns, text.slice(0, -1))).toEqual([])
    }
  })

  it('returns the first place of each', () => {
    expect(found([patternOf('pa55word')], '--pa55word--pa55word')).toEqual([['pa55word', 2]])
  })

  it('terminates with thousands of patterns that share a prefix with the output', () => {
    const search = searchFor(
      [
        { name: 'SHORT', plaintext: Buffer.from('pa55word') },
        { name: 'LONG', plaintext: Buffer.from(LINES.join('\n')) },
      ],
      { minLength: 8, except: [] },
    )
    const code = LINES.map((_, at) => `            const value${at} = call("name", ${at})`).join(
      '\n',
    )
    expect(search(Buffer.from(code))).toEqual([])
    const hits = search(Buffer.from(`${code}\n${LINES[3000]}`))
    expect(new Set(hits.map(({ pattern }) => pattern.name))).toEqual(new Set(['LONG']))
  })

  it('reports equal lines once', () => {
    const plaintext = Buffer.from('a line that is long enough\n'.repeat(500))
    const search = searchFor([{ name: 'LONG', plaintext }], { minLength: 8, except: [] })
    const { leaks } = examine([{ name: 'a.js', content: '"a line that is long enough"' }], search)
    expect(leaks).toHaveLength(1)
  })
})
