/**
 * Encodes an encryption context: pairs sorted by the bytes of their names, each name and each value
 * preceded by its length (4 bytes, big-endian). Different contexts have different encodings, and the
 * order of the pairs does not matter.
 */
export function encodeContext(context: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(context).map(
    ([name, value]) => [Buffer.from(name, 'utf8'), Buffer.from(value, 'utf8')] as const,
  )
  pairs.sort(([a], [b]) => Buffer.compare(a, b))
  return Buffer.concat(pairs.flatMap(([name, value]) => [length(name), name, length(value), value]))
}

function length(bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(bytes.length)
  return prefix
}
