/** Reports whether bytes are UTF-16, as Windows PowerShell writes it, with or without a byte order mark. */
export function isUtf16(bytes: Uint8Array): boolean {
  if (bytes.length < 4 || bytes.length % 2) return false
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true
  return [0, 1].some((half) => bytes.every((byte, at) => (at % 2 === half) === (byte === 0)))
}
