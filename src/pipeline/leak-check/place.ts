/** `line:column` of an offset, both from 1; the column in bytes. */
export function placeIn(bytes: Buffer, offset: number): string {
  const before = bytes.subarray(0, offset)
  let line = 1
  for (let at = before.indexOf(10); at !== -1; at = before.indexOf(10, at + 1)) line++
  return `${line}:${offset - before.lastIndexOf(10)}`
}
