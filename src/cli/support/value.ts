import { isUtf8 } from 'node:buffer'
import { KmsBuildError } from '../../errors.js'
import { printable } from '../../printable.js'
import { readGivenFile } from '../../util/given-file.js'
import { isUtf16 } from '../../util/utf16.js'

/** Ctrl-C at a prompt. */
export class InterruptedError extends Error {}

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
      'stdin is empty, and there is no terminal to ask at. Pipe the value in, or use --from-file FILE.',
    )
  const problem = textProblem(bytes, bytes.subarray(0, end))
  if (problem === undefined) return bytes.subarray(0, end)
  throw new KmsBuildError('ARGUMENT_INVALID', `stdin ${problem}`)
}

/** Returns why bytes from stdin are not the text that a person means; `--from-file` takes any bytes. */
function textProblem(bytes: Buffer, value: Buffer): string | undefined {
  if (isUtf16(bytes) || isUtf16(value))
    return 'is UTF-16 text, as Windows PowerShell writes it. Convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8; in PowerShell: $OutputEncoding = [Text.UTF8Encoding]::new($false)).'
  if (hasByteOrderMark(bytes))
    return 'begins with a byte order mark, which would be part of the secret. Save it as UTF-8 without one (in PowerShell: $OutputEncoding = [Text.UTF8Encoding]::new($false)), or use --from-file FILE, which keeps every byte.'
  if (!isUtf8(bytes))
    return "is not UTF-8 text. Give bytes with --from-file FILE, and read them with secret.named(NAME, 'bytes')."
  return undefined
}

const BOM = Buffer.from('efbbbf', 'hex')

/** Reports whether a value begins with a byte order mark. */
export const hasByteOrderMark = (value: Uint8Array) => BOM.equals(value.subarray(0, 3))

async function ask(name: string): Promise<Uint8Array> {
  const { isCancel, password } = await import('@clack/prompts')
  const typed: Buffer[] = []
  const watch = (chunk: Buffer | string) => void typed.push(Buffer.from(chunk as Buffer))
  process.stdin.on('data', watch)
  try {
    const answer = await password({
      message: printable(`Value of ${name}`),
      output: process.stderr,
    })
    if (isCancel(answer)) throw new InterruptedError()
    const problem = promptProblem(Buffer.concat(typed).toString(), answer)
    if (problem !== undefined) throw new KmsBuildError('ARGUMENT_INVALID', problem)
    return Buffer.from(answer)
  } finally {
    process.stdin.off('data', watch).pause()
  }
}

/** Backspace, delete, arrows, home, end, and the control keys of readline. */
const EDITING = /[\b\x7f\x01-\x06\x0b\x0c\x0e-\x19]|\x1b(?:\[(?:[ABCDHF]|[1-6]~)|O[ABCDHF]|\x7f)/g

/** Returns why the answer of a prompt may differ from what was typed or pasted. */
function promptProblem(typed: string, answer: string): string | undefined {
  const elsewhere = 'Give such a value with --from-file FILE, or on stdin.'
  if (/[\r\n]+[^\r\n]/.test(typed))
    return `several lines were pasted, and a prompt takes one. ${elsewhere}`
  const line = typed.replace(/\x1b\[20[01]~/g, '').replace(/[\r\n]+$/, '')
  const characters = line.replace(EDITING, '')
  const isEdited = characters !== line
  if (/[\p{Cc}]/u.test(characters) || (!isEdited && characters !== answer))
    return `a tab or another control character was typed, which a prompt does not take. ${elsewhere}`
  if (answer.startsWith('\ufeff'))
    return `the value begins with a byte order mark, which would be part of the secret. ${elsewhere}`
  return undefined
}

/** A question with a safe answer where nobody can be asked. */
export async function confirmed(message: string, otherwise: boolean): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return otherwise
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({
    message: printable(message),
    initialValue: otherwise,
    output: process.stderr,
  })
  if (isCancel(answer)) throw new InterruptedError()
  return answer
}
