/** Returns `line:column` of an offset. Both start at 1; the column is in bytes. */
export function placeIn(bytes: Buffer, offset: number): string {
  const before = bytes.subarray(0, offset)
  let line = 1
  for (let at = before.indexOf(10); at !== -1; at = before.indexOf(10, at + 1)) line++
  return `${line}:${offset - before.lastIndexOf(10)}`
}
