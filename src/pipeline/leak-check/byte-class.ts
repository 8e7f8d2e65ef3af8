/** A table of 256: 1 for each byte that the pattern matches as a character of Latin-1. */
export const byteClass = (pattern: RegExp): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => +pattern.test(String.fromCharCode(byte)))
