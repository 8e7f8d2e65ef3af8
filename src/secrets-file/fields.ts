import { KmsBuildError } from '../errors.js'
import { lineAt } from './strict-json.js'

/** Returns the path of an object's member, quoted as JSON quotes it unless it is a plain word. */
export const member = (where: string, key: string) =>
  /^[\w$-]+$/.test(key) ? `${where}.${key}` : `${where}[${JSON.stringify(key)}]`

/** Checks the fields of a secrets file. Each check returns the value, or throws with its location. */
export class FieldReader {
  readonly #path: string
  readonly #text: string

  constructor(path: string, text: string) {
    this.#path = path
    this.#text = text
  }

  /** @throws KmsBuildError SECRETS_FILE_INVALID. */
  readonly fail = (what: string, line?: number): never => {
    throw new KmsBuildError(
      'SECRETS_FILE_INVALID',
      `${this.#path}${line ? `:${line}` : ''}: ${what}`,
    )
  }

  /** Fails with the line on which the string occurs as a JSON value. */
  failAtValue(value: string, what: string): never {
    return this.fail(what, lineAt(this.#text, this.#text.indexOf(JSON.stringify(value))))
  }

  object(value: unknown, where: string): Record<string, unknown> {
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : this.fail(`${where} is not an object.`)
  }

  string(value: unknown, where: string): string {
    return typeof value === 'string' && value !== ''
      ? value
      : this.fail(`${where} is not a string, or is empty.`)
  }

  list(value: unknown, where: string): unknown[] {
    return Array.isArray(value) && value.length
      ? (value as unknown[])
      : this.fail(`${where} is not a list, or is empty.`)
  }

  base64(value: unknown, where: string): Buffer {
    const encoded = this.string(value, where)
    const bytes = Buffer.from(encoded, 'base64')
    return bytes.toString('base64') === encoded
      ? bytes
      : this.fail(`${where} is not canonical base64.`)
  }

  /** Returns an object that has all required fields, and no field that is in neither list. */
  record(
    value: unknown,
    where: string,
    required: string[],
    optional: string[] = [],
  ): Record<string, unknown> {
    const record = this.object(value, where)
    const allowed = [...required, ...optional]
    const unknown = Object.keys(record).find((key) => !allowed.includes(key))
    if (unknown !== undefined)
      this.fail(
        `${where} has an unknown field ${JSON.stringify(unknown)}. Allowed: ${allowed.join(', ')}.`,
      )
    const missing = required.find((key) => !Object.hasOwn(record, key))
    return missing ? this.fail(`${where} has no field "${missing}".`) : record
  }

  context(value: unknown, where: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.object(value, where)).map(([key, text]) => [
        key,
        this.string(text, member(where, key)),
      ]),
    )
  }
}
