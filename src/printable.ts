const escapes = (text: string) =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/** Checks for visible ASCII, spaces, line breaks and tabs only, which is faster than the classes of Unicode. */
const isAscii = (text: string) => !/[^\n\t -~]/.test(text)

/**
 * Escapes everything that could move the cursor, or hide or reorder text, except line breaks and tabs.
 * Terminal output and all errors use this function, so that no string from a file, git, a bundle or AWS
 * can control the terminal.
 */
export const printable = (text: string): string =>
  isAscii(text) ? text : text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapes)

/** Like `printable`, for a string that must stay on one line and in one column. */
export const printableCell = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapes)
