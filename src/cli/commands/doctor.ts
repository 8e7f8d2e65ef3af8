import type { Command } from 'commander'
import type { Check, Status } from '../../doctor/check.js'
import type { Diagnosis } from '../../doctor/doctor.js'
import { EXIT } from '../support/exit-codes.js'
import {
  alarm,
  count,
  dim,
  emphasis,
  note,
  plain,
  print,
  printJson,
  quotedPlainly,
  waiting,
} from '../support/output.js'
import {
  contextPair,
  example,
  secretsOptions,
  several,
  withAws,
  withFile,
  type AwsFlags,
  type FileFlags,
} from '../support/shared-options.js'

interface Flags extends FileFlags, AwsFlags {
  function?: string
  role?: string
  decrypt?: boolean
  key?: string[]
  context?: Record<string, string>
  json?: boolean
}

export function addDoctor(program: Command) {
  const command = withAws(
    withFile(
      program
        .command('doctor')
        .summary('say why nothing opens')
        .description(
          'check each step from secrets file or bundle to running function, and say the cause first; changes nothing. Exit 1 if something is wrong',
        )
        .argument('[bundle...]'),
    ),
  )
    .option('--function <name>', 'of Lambda: its role, its way to KMS')
    .option('--role <arn>', 'a role instead: whether it may open')
    .option('--decrypt', 'prove the key pairs, open every entry')
    .option('--key <id>', "the plugin's keyId, to see where an alias leads", several)
    .option('--context <name=value>', "the plugin's encryptionContext", contextPair)
    .option('--json', 'print { checks, verdict }')
    .action(async (bundles: string[], flags: Flags) => {
      const { function: functionName, role, decrypt = false, key, context, json } = flags
      const { diagnose } = await import('../../doctor/doctor.js')
      const diagnosis = await waiting('Asking AWS', () =>
        diagnose({
          ...(bundles.length && { bundles }),
          ...(functionName !== undefined && { functionName }),
          ...(role !== undefined && { role }),
          ...(key && { keyIds: key }),
          ...(context && { encryptionContext: context }),
          decrypt,
          ...secretsOptions(flags),
        }),
      )
      process.exitCode = EXITS[diagnosis.verdict]
      if (json) printJson(diagnosis)
      else show(diagnosis)
    })
  example(command, 'npx unplugin-kms doctor --function orders --decrypt')
}

const EXITS: Record<Diagnosis['verdict'], number> = {
  fine: EXIT.FINE,
  found: EXIT.FOUND,
  'broken-input': EXIT.BROKEN_INPUT,
  'aws-unreachable': EXIT.AWS,
  'aws-refused': EXIT.AWS,
}

const MARKS: Record<Status, string> = {
  found: 'WRONG',
  advice: 'advice',
  unchecked: '?',
  ok: 'ok',
}

const DOCS = 'https://github.com/unplugin-kms/unplugin-kms/blob/main/docs/doctor.md'

function show({ checks }: Diagnosis) {
  for (const check of checks) showCheck(check)
  const found = checks.filter(({ status }) => status === 'found').length
  const open = checks.filter(({ status }) => status === 'unchecked').length
  note(
    `${found ? alarm(`${count(found, 'thing')} wrong`, process.stderr) : 'nothing wrong found'}${open ? `, ${open} not checked` : ''}; every check is explained in ${DOCS}`,
  )
}

/** Between words, where a person looks; a tool gets its one line. */
function wrap(text: string): string {
  const { isTTY, columns } = process.stdout
  if (!isTTY) return text
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trimStart()
    if (INDENT + line.length <= columns) lines[lines.length - 1] = line
    else lines.push(word)
  }
  return lines.filter(Boolean).join(`\n${' '.repeat(INDENT)}`)
}

const WIDTH = Math.max(...Object.values(MARKS).map((mark) => mark.length))

const INDENT = WIDTH + 2

/** A line a check; below it what to do, unbroken, to be copied. */
function showCheck({ status, id, says, fix, add }: Check) {
  const mark = MARKS[status].padEnd(INDENT)
  const text = wrap(plain(`${id}: ${says}`))
  if (status === 'found') print(`${alarm(mark)}${emphasis(text)}`)
  else print(status === 'ok' ? dim(mark + text) : mark + text)
  const indent = ' '.repeat(INDENT)
  if (fix) print(`${indent}-> ${plain(fix)}`)
  if (add) print(quotedPlainly(JSON.stringify(add.statements, null, 2)).replaceAll(/^/gm, indent))
}
