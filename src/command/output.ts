import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colours where a person looks, and nothing of them in a pipe. */
const styled = (stream: NodeJS.WriteStream, style: Style, text: string) =>
  stream.isTTY && !process.env.NO_COLOR ? styleText(style, text, { validateStream: false }) : text

/** The command's result, which a script may read. */
export const print = (text: string) => void process.stdout.write(`${text}\n`)
export const printJson = (value: unknown) => print(JSON.stringify(value, null, 2))
export const emphasis = (text: string) => styled(process.stdout, 'bold', text)
export const dim = (text: string) => styled(process.stdout, 'dim', text)
export const alarm = (text: string) => styled(process.stdout, 'yellow', text)

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
