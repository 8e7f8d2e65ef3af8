import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { detect, residueIn } from './detect.js'

const SECRET = `pä"ss'word\n<\\4&2>`
const found = (text: string | Buffer, secret: string | Uint8Array = SECRET) =>
  detect([['out.js', Buffer.from(text as string)]], { S: secret }).length > 0

const unicode = (text: string) =>
  [...text].map((char) => `\\u{${char.codePointAt(0)!.toString(16)}}`).join('')
const inlineMap = (content: string) =>
  `a()\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify({ version: 3, sourcesContent: [content] })).toString('base64')}`

describe('the detector', () => {
  it.each<[string, string | Buffer]>([
    ['as it is', SECRET],
    ['in a JSON string', JSON.stringify(SECRET)],
    ['in a string with other escapes', `const a = "${unicode(SECRET)}"`],
    ['in a string of \\x escapes', String.raw`const a = 'p\xe4"ss\x27word\x0a<\\4&2>'`],
    [
      'in a sum that nobody folded',
      `const a = ${JSON.stringify(SECRET.slice(0, 5))} + (${JSON.stringify(SECRET.slice(5))})`,
    ],
    [
      'in a joined array',
      `const a = [${[...SECRET].map((char) => JSON.stringify(char)).join(', ')}].join('')`,
    ],
    [
      'in a template around a constant',
      `const a = \`${'pä"ss'}\${${JSON.stringify(SECRET.slice(5))}}\``,
    ],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64 after one byte', Buffer.from(`x${SECRET}y`).toString('base64')],
    ['in base64 after two bytes', Buffer.from(`xx${SECRET}yy`).toString('base64')],
    ['in base64url', Buffer.from(`x${SECRET}`).toString('base64url')],
    ['in hex', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ['percent-encoded', encodeURIComponent(SECRET)],
    ['as a form field', new URLSearchParams({ a: SECRET }).toString()],
    [
      'HTML-escaped',
      SECRET.replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;'),
    ],
    [
      'in CSS, escaped',
      `a { content: "${[...SECRET].map((char) => `\\${char.codePointAt(0)!.toString(16)} `).join('')}" }`,
    ],
    ['in an inline map', inlineMap(`const a = 1\n${SECRET}`)],
    [
      'in an inline map inside an eval',
      `eval(${JSON.stringify(inlineMap(`const a = ${JSON.stringify(SECRET)}`))})`,
    ],
    ['in a gzipped file', gzipSync(SECRET)],
  ])('%s', (_, text) => expect(found(text)).toBe(true))

  it('finds any value at any offset of base64', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 4 }),
        fc.string(),
        fc.string(),
        (secret, before, after) =>
          found(`const a = '${Buffer.from(before + secret + after).toString('base64')}'`, secret),
      ),
    )
  })

  it('finds bytes', () => {
    const bytes = Uint8Array.of(0, 255, 128, 7, 9, 200)
    expect(found(`a('${Buffer.from(bytes).toString('base64')}')`, bytes)).toBe(true)
  })
})

it('finds nothing without a leak', () => {
  expect(found(inlineMap(`const a = secret('•••')`))).toBe(false)
})

it('recognizes a marker module and an import of it', () => {
  const files = (text: string) => [['out.js', Buffer.from(text)]] as [string, Buffer][]
  expect(residueIn(files(`throw Error('unplugin-kms: this mark was never transformed')`))).toEqual([
    'out.js',
  ])
  expect(residueIn(files(`import{secret as a}from"unplugin-kms/secret"`))).toEqual(['out.js'])
  expect(residueIn(files(`a('kms:v1:AAAA')`))).toEqual([])
})
