import { Buffer } from 'node:buffer'
import { parseWithDotenv } from '../../util/dotenv.js'
import { isCommonWord } from './common-words.js'

/** A plaintext that the build command saw. */
export interface Seen {
  name: string
  plaintext: Uint8Array
  /** Whether the mark reads it as JSON. */
  json?: boolean
}

/** A plaintext, or a part of it that is a secret by itself. */
export interface Part {
  /** `NAME`, or `NAME#path.of.the.member`. */
  name: string
  /** The form of the part: `as it is`, `trimmed`, `one of its lines`. */
  form: string
  bytes: Buffer
}

/** Length of the shortest line of a secret that is searched for by itself. */
const SHORTEST_LINE = 24
/** Nesting of members that are read: a URL inside a dotenv file inside JSON. */
const DEEPEST = 4

const ASSIGNMENT = /^\s*(?:export\s+)?[\w.-]+\s*=/
const VARIABLE = /^\s*(?:export\s+)?[A-Z_][A-Z\d_]*=/
const PAIR = /^([\w.-]+)=(.+)$/s
const CONNECTION = /=[^;]*;[^=]*=/
/** Names of members whose value is a secret, in URLs and connection strings. */
const SECRET_NAME = /pass|pwd|secret|key|token|sig|cred|auth/i

/**
 * Returns the parts of a plaintext to search for: the plaintext, also without surrounding white space, and its
 * members: the strings of JSON, the values of a dotenv file, the password of a URL or connection
 * string, the lines of a PEM.
 *
 * @param minLength number of characters of the shortest member that is returned.
 */
export function partsOf({ name, plaintext }: Seen, minLength: number): Part[] {
  const bytes = Buffer.from(plaintext)
  const text = bytes.toString('utf8')
  const complete = { name, form: 'as it is', bytes }
  // Bytes that are not text have no members.
  if (!Buffer.from(text).equals(bytes)) return [complete]
  const parts = new Map<string, Part>([[text, complete]])
  for (const { path, form = 'as it is', value } of membersOf(text, [], 0)) {
    if (value.length < minLength || parts.has(value)) continue
    const member = path.length ? `${name}#${path.join('.')}` : name
    if (path.length && isCommonWord(path, value)) continue
    parts.set(value, {
      name: member,
      form,
      bytes: Buffer.from(value, form === DER ? 'latin1' : 'utf8'),
    })
  }
  return [...parts.values()]
}

interface Member {
  path: string[]
  form?: string
  value: string
}

const DER = 'its DER bytes'

function* membersOf(text: string, path: string[], depth: number): Generator<Member> {
  if (depth > DEEPEST) return
  const trimmed = text.trim()
  if (trimmed !== text) yield { path, form: 'trimmed', value: trimmed }
  const unquoted = /^(["'`])(.*)\1$/s.exec(trimmed)?.[2]
  if (unquoted !== undefined) yield { path, form: 'without its quotes', value: unquoted }
  const members = [
    ...(jsonMembers(trimmed) ?? dotenvMembers(trimmed) ?? connectionMembers(trimmed)),
  ]
  for (const [names, value] of members) {
    const inner = [...path, ...names]
    yield { path: inner, value }
    yield* membersOf(value, inner, depth + 1)
  }
  if (!members.length || trimmed.includes('-----')) yield* linesOf(trimmed, path)
}

type NamedValue = [names: string[], value: string]

/** @returns null if the text is not a JSON object or array. */
function jsonMembers(text: string): NamedValue[] | null {
  if (!/^[[{"]/.test(text)) return null
  try {
    const found: NamedValue[] = []
    addLeaves(JSON.parse(text), [], found)
    return found
  } catch {
    return null
  }
}

function addLeaves(value: unknown, names: string[], found: NamedValue[]): void {
  if (typeof value === 'string') found.push([names, value])
  else if (Number.isSafeInteger(value)) found.push([names, String(value)])
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) addLeaves(inner, [...names, name], found)
}

/** Reads a dotenv file. @returns null unless the first line that is not a comment assigns a variable. */
function dotenvMembers(text: string): NamedValue[] | null {
  const lines = text.split('\n')
  const first = lines.find((line) => /^\s*[^#\s]/.test(line)) ?? ''
  // A single line with `=` may be anything.
  const pattern = lines.length > 1 ? ASSIGNMENT : VARIABLE
  if (!pattern.test(first) || CONNECTION.test(first)) return null
  const parsed = Object.entries(parseWithDotenv(text))
  return parsed.length ? parsed.map(([name, value]) => [[name], value]) : null
}

/** Returns the password of a URL, and the secret members of `Server=…;Password=…` or `host=… password=…`. */
function* connectionMembers(text: string): Generator<NamedValue> {
  const authority =
    /^[a-z][a-z\d+.-]*:\/\/[^/?#\s:]*:([^/?#\s]*)@/i.exec(text) ??
    /^[a-z][a-z\d+.-]*:\/\/[^/?#\s:]*:(\S*)@[^@]*$/i.exec(text)
  if (authority) {
    yield [['password'], authority[1]!]
    yield [['password'], decodePercent(authority[1]!)]
  }
  for (const pair of text.split(/[?&;\s]+/)) {
    const [, name, value] = PAIR.exec(pair) ?? []
    if (!name || !SECRET_NAME.test(name)) continue
    yield [[name], value!]
    yield [[name], decodePercent(value!)]
  }
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const PEM = /-----BEGIN [^-]+-----([A-Za-z\d+/=\s]+)-----END/g

/** Matches the first and last line of a PEM, which many packages contain. */
function* linesOf(text: string, path: string[]): Generator<Member> {
  const lines = text.split(/\r\n|[\n\r]/)
  if (lines.length > 1)
    for (const line of new Set(lines.map((line) => line.trim())))
      if (line.length >= SHORTEST_LINE && !line.startsWith('-----'))
        yield { path, form: 'one of its lines', value: line }
  for (const [, body] of text.matchAll(PEM))
    yield { path, form: DER, value: Buffer.from(body!, 'base64').toString('latin1') }
}
