const CONFLICT = /^(?:<{7}|\|{7}|={7}|>{7})(?: .*)?$/m
const STRING_OR_BRACE = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g

/** The line, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1))
    line++
  return line
}

/**
 * Parses JSON, and rejects what `JSON.parse` accepts or explains badly: a name that occurs twice (the
 * earlier value would be lost silently) and the markers of an unfinished merge.
 *
 * @param fail called with what is wrong and where; must throw.
 */
export function strictJson(text: string, fail: (what: string, line?: number) => never): unknown {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    const conflict = CONFLICT.exec(text)
    if (conflict) {
      fail(
        'an unfinished merge left its conflict markers here. Keep one side of each conflict and delete the marker lines, or take one side completely: git checkout --ours (or --theirs) and this file.',
        lineAt(text, conflict.index),
      )
    }
    fail(
      'this is not valid JSON. If it was truncated or edited by hand, restore it with git checkout.',
    )
  }
  // Each name of the text is a match. As many matches as names were kept: no name occurs twice.
  if (text.match(/"\s*:/g)?.length === countNames(json)) return json
  const twice = duplicateName(text)
  if (twice) {
    fail(
      `"${twice.name}" stands twice, as a merge by lines may leave it. Delete the line that is out of date; if you cannot tell which, delete both and set it again.`,
      lineAt(text, twice.offset),
    )
  }
  return json
}

/** Returns the number of names in all objects of a value. */
function countNames(json: unknown): number {
  const values = [json]
  let names = 0
  for (let value = values.pop(); value !== undefined; value = values.pop()) {
    if (typeof value !== 'object' || value === null) continue
    const members: unknown[] = Object.values(value)
    if (!Array.isArray(value)) names += members.length
    for (const member of members) if (typeof member === 'object') values.push(member)
  }
  return names
}

function duplicateName(text: string): { name: string; offset: number } | undefined {
  const open: Set<string>[] = []
  for (const { 0: token, 1: colon, index } of text.matchAll(STRING_OR_BRACE)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string
      const names = open.at(-1)!
      if (names.has(name)) return { name, offset: index }
      names.add(name)
    }
  }
  return undefined
}
