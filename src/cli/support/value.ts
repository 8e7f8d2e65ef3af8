import { isUtf8 } from 'node:buffer'
import { KmsBuildError } from '../../errors.js'
import { readGivenFile } from '../../util/given-file.js'

/** Ctrl-C at a prompt. */
export class Interrupted extends Error {}

/**
 * A value from where no list of processes and no shell history shows it: a file byte for byte, the
 * hidden prompt of a terminal, or stdin without its last line break.
 */
export async function readValue(name: string, fromFile: string | undefined): Promise<Uint8Array> {
  if (fromFile !== undefined) return readGivenFile(fromFile)
  return process.stdin.isTTY ? ask(name) : readStdin()
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const end =
    bytes.at(-1) !== 10 ? bytes.length : bytes.at(-2) === 13 ? bytes.length - 2 : bytes.length - 1
  if (!end)
    throw new KmsBuildError(
      'PLAINTEXT_EMPTY',
      'nothing came on stdin, and there is no terminal to ask at. Pipe the value in, or give --from-file.',
    )
  const value = bytes.subarray(0, end)
  if (isUtf8(value)) return value
  throw new KmsBuildError(
    'ARGUMENT_INVALID',
    "what came on stdin is no UTF-8 text. Give bytes with --from-file FILE, and read them with secret.named(NAME, 'bytes').",
  )
}

async function ask(name: string): Promise<Uint8Array> {
  const { isCancel, password } = await import('@clack/prompts')
  let pastedMore = false as boolean
  // A prompt ends at the first line break: the rest of a pasted key would be lost without a word.
  const watch = (chunk: Buffer | string) => {
    pastedMore ||= /[\r\n]+[^\r\n]/.test(chunk.toString())
  }
  process.stdin.on('data', watch)
  try {
    const answer = await password({ message: `Value of ${name}`, output: process.stderr })
    if (isCancel(answer)) throw new Interrupted()
    if (pastedMore)
      throw new KmsBuildError(
        'ARGUMENT_INVALID',
        'several lines were pasted, and a prompt takes one. Give a value of several lines with --from-file FILE, or on stdin.',
      )
    return Buffer.from(answer)
  } finally {
    process.stdin.off('data', watch).pause()
  }
}

/** A question with a safe answer where nobody can be asked. */
export async function confirmed(message: string, otherwise: boolean): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return otherwise
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message, initialValue: otherwise, output: process.stderr })
  if (isCancel(answer)) throw new Interrupted()
  return answer
}
