import { gunzipSync } from 'node:zlib'
import { parseAst } from 'rollup/parseAst'

/** Where a plaintext stands, and how it had to be read to be seen. */
export interface Finding {
  secret: string
  file: string
  reading: string[]
}

const DEEPEST = 4
/** Bytes of the shortest gzip file. Nothing else that is decoded becomes longer. */
const SHORTEST_GZIP = 20

/**
 * Looks for plaintexts in emitted files the other way round from the plugin: it decodes whatever
 * can be decoded and looks for the text as it is. It shares no code with the plugin.
 */
export function detect(
  files: Iterable<[name: string, bytes: Buffer]>,
  secrets: Record<string, string | Uint8Array>,
): Finding[] {
  const wanted = Object.entries(secrets).map(
    ([name, value]) => [name, Buffer.from(value as string).toString('latin1')] as const,
  )
  const least = Math.min(SHORTEST_GZIP, ...wanted.map(([, value]) => value.length))
  const findings: Finding[] = []
  for (const [file, bytes] of files) {
    const left = new Map(wanted)
    const look = (text: string, reading: string[]) => {
      for (const [secret, value] of left) {
        if (!text.includes(value)) continue
        findings.push({ secret, file, reading })
        left.delete(secret)
      }
    }
    read(bytes, least, look)
  }
  return findings
}

/** The marks of a module that was bundled as it is. */
export function residueIn(files: Iterable<[name: string, bytes: Buffer]>): string[] {
  const found: string[] = []
  for (const [file, bytes] of files) {
    if (bytes.includes('this mark was never transformed')) found.push(file)
    else if (
      !file.endsWith('.map') &&
      /(?:from|require\()\s*["']unplugin-kms\/secret/.test(bytes.toString('latin1'))
    )
      found.push(file)
  }
  return found
}

/**
 * Calls `look` with each decoding of some bytes, inside each other. It receives bytes as latin1, so that binary
 * and text are looked at alike. Decodings with fewer bytes than `least` are left out.
 */
function read(
  bytes: Buffer,
  least: number,
  look: (text: string, reading: string[]) => void,
  reading: string[] = [],
  seen = new Set<string>(),
): void {
  if (bytes.length < least || reading.length > DEEPEST) return
  const text = bytes.toString('latin1')
  if (seen.has(text)) return
  seen.add(text)
  look(text, reading)
  for (const [how, decode] of DECODERS) {
    for (const decoded of decode(text, least)) read(decoded, least, look, [...reading, how], seen)
  }
}

const utf8 = (text: string) => Buffer.from(text, 'latin1').toString('utf8')

const DECODERS: [string, (text: string, least: number) => Generator<Buffer>][] = [
  ['gzip', gzip],
  ['base64', base64],
  ['hex', hex],
  [
    'percent',
    replaced(/(?:%[0-9a-f]{2})+|\+/gi, (run) =>
      run === '+' ? ' ' : Buffer.from(run.replaceAll('%', ''), 'hex').toString('latin1'),
    ),
  ],
  [
    'html',
    replaced(
      /&(?:#(\d+)|#x([0-9a-f]+)|(amp|lt|gt|quot|apos));/gi,
      (_, decimal, hexadecimal, name) =>
        name
          ? { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name.toLowerCase() as 'amp']
          : Buffer.from(
              String.fromCodePoint(decimal ? Number(decimal) : parseInt(hexadecimal!, 16)),
            ).toString('latin1'),
    ),
  ],
  [
    'css',
    replaced(/\\([0-9a-f]{1,6})\s?/gi, (_, digits) =>
      Buffer.from(String.fromCodePoint(Math.min(parseInt(digits!, 16), 0x10ffff))).toString(
        'latin1',
      ),
    ),
  ],
  ['strings', strings],
  [
    'escapes',
    replaced(
      /\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|x([0-9a-f]{2})|([nrtbfv0'"`\\/]))/gi,
      (_, a, b, c, simple) =>
        simple
          ? ((
              { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v', 0: '\0' } as Record<
                string,
                string
              >
            )[simple] ?? simple)
          : Buffer.from(
              String.fromCodePoint(Math.min(parseInt(a ?? b ?? c!, 16), 0x10ffff)),
            ).toString('latin1'),
    ),
  ],
]

function replaced(
  pattern: RegExp,
  replace: (whole: string, ...groups: (string | undefined)[]) => string,
) {
  return function* (text: string) {
    const result = text.replace(pattern, replace)
    if (result !== text) yield Buffer.from(result, 'latin1')
  }
}

function* gzip(text: string) {
  if (!text.startsWith('\x1f\x8b')) return
  try {
    yield gunzipSync(Buffer.from(text, 'latin1'))
  } catch {
    // Two bytes that happen to look like a header.
  }
}

// A value may begin anywhere inside a longer run, so each is read from four characters on.
function* base64(text: string, least: number) {
  for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{6,}/g)) {
    if (run.length * 3 < least * 4) continue
    for (let skip = 0; skip < 4; skip++) yield Buffer.from(run.slice(skip), 'base64url')
  }
}

function* hex(text: string, least: number) {
  for (const [run] of text.matchAll(/[0-9a-fA-F]{12,}/g)) {
    if (run.length < least * 2) continue
    for (let skip = 0; skip < 2; skip++) yield Buffer.from(run.slice(skip), 'hex')
  }
}

/** Every string that a program's constants make: literals, templates, sums, joined arrays. */
function* strings(text: string) {
  const source = utf8(text)
  if (!/["'`]/.test(source)) return
  let program: unknown
  try {
    program = parseAst(source, { allowReturnOutsideFunction: true })
  } catch {
    return
  }
  const found: string[] = []
  visit(program, found)
  if (found.length) yield Buffer.from(found.join('\n'))
}

interface AstNode {
  type: string
  [field: string]: unknown
}

function visit(node: unknown, found: string[]) {
  if (Array.isArray(node)) return node.forEach((item) => visit(item, found))
  if (typeof node !== 'object' || node === null || typeof (node as AstNode).type !== 'string')
    return
  const value = constant(node as AstNode)
  if (value !== undefined) found.push(value)
  for (const child of Object.values(node)) visit(child, found)
}

function constant(node: AstNode): string | undefined {
  const all = (nodes: unknown) => {
    const values = (nodes as (AstNode | null)[]).map((item) => item && constant(item))
    return values.every((value) => typeof value === 'string') ? values : undefined
  }
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? node.value : undefined
    case 'TemplateLiteral': {
      const inner = all(node.expressions)
      return (
        inner &&
        (node.quasis as { value: { cooked: string } }[])
          .map(({ value }, at) => value.cooked + (inner[at] ?? ''))
          .join('')
      )
    }
    case 'ParenthesizedExpression':
      return constant(node.expression as AstNode)
    case 'ArrayExpression':
      return all(node.elements)?.join('')
    case 'BinaryExpression': {
      const sides = node.operator === '+' ? all([node.left, node.right]) : undefined
      return sides?.join('')
    }
    default:
      return undefined
  }
}
