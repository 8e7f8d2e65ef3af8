import { randomBytes } from 'node:crypto'
import { styleText } from 'node:util'
import { printable, printableCell } from '../../printable.js'
import { ProgressLine } from '../../util/progress-line.js'

type Style = Parameters<typeof styleText>[0]

/**
 * Stands for an escape sequence of ours until the text around it is escaped. It is random, so that no
 * file, commit or bundle can contain it.
 */
const MARK = randomBytes(6).toString('base64url')
const MARKS = new RegExp(`${MARK}(\\d+)m`, 'g')

/** Styles a text for a terminal, and leaves it unchanged for a pipe. */
function styled(stream: NodeJS.WriteStream, style: Style, text: string): string {
  if (!stream.isTTY || process.env.NO_COLOR) return text
  const sequences = styleText(style, '\0', { validateStream: false })
  return sequences.replaceAll('\u001b[', MARK).replace('\0', () => text)
}

/** Writes text whose only escape sequences are ours. All output but a secret's value passes here. */
const write = (stream: NodeJS.WriteStream, text: string) =>
  void stream.write(`${printable(text).replace(MARKS, '\u001b[$1m')}\n`)

/** Returns the number of characters that a styled text takes. */
export const widthOf = (text: string): number => text.replace(MARKS, '').length

/** Prints the command's result, which a script may read. */
export const print = (text: string) => write(process.stdout, text)
export const printJson = (value: unknown) => print(quotedPlainly(JSON.stringify(value, null, 2)))

/** Escapes a string that must stay on one line and in one column. */
export const plain = printableCell

/** Escapes each line of a text whose strings are quoted as JSON quotes them. */
export const quotedPlainly = (text: string) => text.split('\n').map(plain).join('\n')
export const emphasis = (text: string) => styled(process.stdout, 'bold', text)
export const dim = (text: string) => styled(process.stdout, 'dim', text)
export const alarm = (text: string, stream: NodeJS.WriteStream = process.stdout) =>
  styled(stream, 'yellow', text)

/** Prints what a person should know, which is not part of the result. */
export const note = (text: string) => write(process.stderr, text)
export const warn = (text: string) =>
  note(`${styled(process.stderr, 'yellow', 'warning:')} ${text}`)
export const complain = (text: string) => note(`${styled(process.stderr, 'red', 'error:')} ${text}`)

/**
 * Shows on a terminal what a command waits for, once that takes longer than a second.
 *
 * @param work gets a function that replaces the text.
 */
export async function waiting<T>(
  what: string,
  work: (show: (text: string) => void) => Promise<T>,
): Promise<T> {
  let shown = what
  const line = new ProgressLine(() => `${shown} …`)
  line.start()
  try {
    return await work((text) => void (shown = text))
  } finally {
    line.stop()
  }
}

export const count = (number: number, thing: string) =>
  `${number} ${number === 1 ? thing : thing.endsWith('y') ? `${thing.slice(0, -1)}ies` : `${thing}s`}`
