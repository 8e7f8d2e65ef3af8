const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * Returns the source text of a member of a JSON object, the last one of that name: digits stay as
 * they are written, where `JSON.parse` would round `12345678901234567890` and shorten `1.10`.
 *
 * @param json a valid JSON object.
 */
export function jsonMember(json: string, name: string): string | undefined {
  let depth = 0
  let member: string | undefined
  let start = 0
  let result: string | undefined
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']'
    if (depth === 1 && (token === ',' || token === '}')) {
      if (member === name) result = json.slice(start, index).trim()
      member = undefined
    } else if (depth === 1 && token === ':') start = index + 1
    else if (depth === 1 && member === undefined) member = JSON.parse(token) as string
    if (token === '{' || token === '[') depth++
    if (closes) depth--
  }
  return result
}
