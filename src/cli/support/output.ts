import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colours where a person looks, and nothing of them in a pipe. */
const styled = (stream: NodeJS.WriteStream, style: Style, text: string) =>
  stream.isTTY && !process.env.NO_COLOR ? styleText(style, text, { validateStream: false }) : text

/** The command's result, which a script may read. */
export const print = (text: string) => void process.stdout.write(`${text}\n`)
export const printJson = (value: unknown) => print(quotedPlainly(JSON.stringify(value, null, 2)))

const escaped = (text: string) =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/**
 * A text of somebody's bundle or account, in which nothing steers the terminal, ends a line, or
 * turns or hides what stands beside it.
 */
export const plain = (text: string) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)

/** The same of a text of several lines whose strings are quoted as JSON quotes them. */
export const quotedPlainly = (text: string) => text.split('\n').map(plain).join('\n')
export const emphasis = (text: string) => styled(process.stdout, 'bold', text)
export const dim = (text: string) => styled(process.stdout, 'dim', text)
export const alarm = (text: string, stream: NodeJS.WriteStream = process.stdout) =>
  styled(stream, 'yellow', text)

/** What a person should know, which is no part of the result. */
export const note = (text: string) => void process.stderr.write(`${text}\n`)
export const warn = (text: string) =>
  note(`${styled(process.stderr, 'yellow', 'warning:')} ${text}`)
export const complain = (text: string) => note(`${styled(process.stderr, 'red', 'error:')} ${text}`)

/** Shows that something is waited for, to a person; the work of asking KMS may take seconds. */
export async function waiting<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY || process.env.CI) return work()
  const { spinner } = await import('@clack/prompts')
  const progress = spinner({ output: process.stderr })
  progress.start(what)
  try {
    const result = await work()
    progress.stop(what)
    return result
  } catch (error) {
    progress.error(what)
    throw error
  }
}

export const count = (number: number, thing: string) =>
  `${number} ${number === 1 ? thing : thing.endsWith('y') ? `${thing.slice(0, -1)}ies` : `${thing}s`}`
