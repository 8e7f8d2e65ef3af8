const escapes = (text: string) =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/**
 * Escapes everything that could move the cursor, or hide or reorder text, except line breaks and tabs.
 * The terminal output and every error use this function, so that no text of a file, of git, of a
 * bundle or of AWS can control the terminal.
 */
export const printable = (text: string): string =>
  text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapes)

/** As `printable`, for a text that must stay on one line and in one column. */
export const printableCell = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapes)
