import { Buffer } from 'node:buffer'
import { byteClass } from './byte-class.js'
import { createExcerpt, type Excerpt } from './excerpt.js'
import type { Sought } from './search.js'

const LINE_FEED = 0x0a
/** Behind a backslash, what may be more than one byte. */
const LONGER = byteClass(/[uUxX0-7\r\xe2]/)
/** What a letter behind a backslash stands for, where it is a control character; else 0. */
const CONTROLS = new Uint8Array(256)
for (const [letter, said] of ['n\n', 'r\r', 't\t', 'b\b', 'f\f', 'v\v'])
  CONTROLS[letter!.charCodeAt(0)] = said!.charCodeAt(0)

/**
 * Decodes the escapes of JavaScript and JSON, wherever they stand, and joins texts that are added or
 * put into a template: `'a' + 'b'`, `${'a'}b`. Bytes in and out, in one pass.
 *
 * Only what stands so near to a change that something sought may reach over it is given: the rest
 * stands in the input as it is. A map, the largest file of a build, has an escape for each line and
 * each quote: where nothing sought has that character, those are no changes.
 *
 * @returns null where there is nothing to decode or join.
 */
export function unescape(bytes: Buffer, sought: Sought): Excerpt | null {
  const idle = idleEscapes(sought)
  const excerpt = createExcerpt(bytes, sought.longest, idle)
  const text = bytes.toString('latin1')
  const changes = changesBut(idle)
  // Any block may end behind a text; a hole of a template was opened, not far from its text's end.
  let opened = -Infinity
  for (let match; (match = changes.exec(text));) {
    const [whole] = match
    const at = match.index
    if (whole === '\\') {
      const { said, end } = readEscape(bytes, at)
      excerpt.change(at, end, said)
      changes.lastIndex = end
      continue
    }
    if (whole.startsWith('$')) opened = at
    const mayJoin = !whole.endsWith('}') || at - opened <= 2 * excerpt.reach
    JOINT.lastIndex = at
    if (mayJoin && JOINT.test(text)) {
      excerpt.change(at, JOINT.lastIndex, '')
      changes.lastIndex = JOINT.lastIndex
    } else {
      if (mayJoin) excerpt.bring(at, changes.lastIndex)
      // A comment in it may say more.
      changes.lastIndex = at + (whole.startsWith('\\') ? 2 : 1)
    }
  }
  return excerpt.end()
}

/** By the letter behind the backslash, what those escapes say that say nothing sought; else 0. */
function idleEscapes({ has }: Sought): Uint8Array {
  const idle = new Uint8Array(256)
  for (const letter of 'nrt"') {
    const code = letter.charCodeAt(0)
    const said = CONTROLS[code] || code
    if (!has[said]) idle[code] = said
  }
  return idle
}

/** Of UTF-8, read as Latin-1. */
const SPACE = String.raw`[ \t\n\v\f\r()]|\xc2\xa0|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80|\xef\xbb\xbf`
/** What a line's comment may not say, lest it be one inside JSON that ended before: a line feed, more of a sum. */
const ENDED = String.raw`n(?:[ \t()]|\\[nrt]){0,60}(?:["'\`+}]|/[/*]|\\")`
const QUOTED_ENDINGS = Array.from(`"'\``)
  .map((quote) => String.raw`${quote}(?:\\r)?\\n${quote}`)
  .join('|')
/** It may stand wherever a space may; so long a one that it would slow the search, not. */
const LINE_COMMENT = String.raw`//(?:${QUOTED_ENDINGS}|[^\n\\]|\\(?!${ENDED})){0,200}\n`

/**
 * Where texts are joined: `' + '`, `${'`, `'}`.
 *
 * @param idle letters of escapes that may stand for what is in a joint: of a text inside JSON, which the
 *   next reading joins. Of a line's comment there one may not see the end.
 */
function joint(idle = ''): string {
  const spaces = idle.replace('"', '')
  const hasLines = idle.includes('n')
  // An escape is twice as long as what it says.
  const comment = String.raw`/\*[^*]{0,${idle ? 400 : 200}}\*/|${LINE_COMMENT}${hasLines ? String.raw`|//[^\n\\]{0,200}\\n` : ''}`
  // Of so many at most: behind each quote inside a comment the search begins anew.
  const gap = `(?:${SPACE}|${comment}${spaces && `|\\\\[${spaces}]`}){0,500}`
  const quote = idle.includes('"') ? '["\'`]|\\\\"' : '["\'`]'
  const cut = hasLines ? '|//' : ''
  const text = `${gap}(?:${quote}${cut})`
  return `(?:${quote})${gap}(?:\\+${text}|\\}${cut})|\\$\\{${text}`
}

const JOINT = new RegExp(joint(), 'y')

/** The backslash of an escape that is not idle, or a joint. */
function changesBut(idle: Uint8Array): RegExp {
  const letters = Array.from('nrt"')
    .filter((letter) => idle[letter.charCodeAt(0)])
    .join('')
  return new RegExp(`\\\\(?=[^${letters}])|${joint(letters)}`, 'g')
}

const ENDING = /^(?:\r\n?|\xe2\x80[\xa8\xa9])/
const UNIT = /^(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|([0-3]?[0-7]{1,2}))/i
const LOW_SURROGATE = /^\\u(d[c-f][\da-f]{2})/i

/** What the escape at a backslash says, a byte or a text, and where it ends. */
function readEscape(bytes: Buffer, at: number): { said: number | string; end: number } {
  const letter = bytes[at + 1]!
  // A line that goes on is nothing; what is no control character stands for itself.
  if (!LONGER[letter])
    return { said: letter === LINE_FEED ? '' : CONTROLS[letter] || letter, end: at + 2 }
  const ahead = bytes.toString('latin1', at + 1, at + 16)
  const [ending] = ENDING.exec(ahead) ?? []
  if (ending) return { said: ending === '\r' ? '\r' : '', end: at + 1 + ending.length }
  const [unit, brace, four, two, octal] = UNIT.exec(ahead) ?? []
  // A letter that begins no escape; of another character the backslash alone is left out.
  if (!unit)
    return /^[\x80-\xff]/.test(ahead) ? { said: '', end: at + 1 } : { said: ahead[0]!, end: at + 2 }
  const end = at + 1 + unit.length
  const point = parseInt(brace ?? four ?? two ?? octal!, octal ? 8 : 16)
  if (point > 0x10ffff) return { said: '', end }
  const low =
    point >> 10 === 0xd800 >> 10 && LOW_SURROGATE.exec(bytes.toString('latin1', end, end + 6))
  return low
    ? { said: String.fromCharCode(point, parseInt(low[1]!, 16)), end: end + 6 }
    : { said: String.fromCodePoint(point), end }
}
