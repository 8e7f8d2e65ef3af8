import type { Command } from '@commander-js/extra-typings'
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
  contextOption,
  example,
  fileOption,
  jsonOption,
  keyOption,
  profileOption,
  regionOption,
  secretsOptions,
} from '../support/shared-options.js'

export function addDoctor(program: Command) {
  const command = program
    .command('doctor')
    .description(
      'Check each step from the secrets file or bundle to the running function, and report the cause first. Changes nothing. Exit 1 on findings.',
    )
    .argument('[bundle...]')
    .option('--function <name>', 'Lambda function: its role and its network')
    .option('--role <arn>', 'IAM role, without a function')
    .option('--decrypt', 'decrypt the data key pairs and every entry')
    .addOption(keyOption("the plugin's keyId, to resolve an alias"))
    .addOption(contextOption("the plugin's encryptionContext"))
    .addOption(fileOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('{ checks, verdict }'))
    .action(async (bundles, flags) => {
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
  fine: EXIT.SUCCESS,
  found: EXIT.FINDINGS,
  'broken-input': EXIT.INVALID_INPUT,
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

/** Wraps a line between words on a terminal; a pipe gets one line. */
function wrap(text: string): string {
  const { isTTY, columns } = process.stdout
  if (!isTTY || columns <= INDENT) return text
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

/** Prints a check, and below it what to do, without line breaks, to be copied. */
function showCheck({ status, id, says, fix, add }: Check) {
  const mark = MARKS[status].padEnd(INDENT)
  const text = wrap(plain(`${id}: ${says}`))
  if (status === 'found') print(`${alarm(mark)}${emphasis(text)}`)
  else print(status === 'ok' ? dim(mark + text) : mark + text)
  const indent = ' '.repeat(INDENT)
  if (fix) print(`${indent}-> ${plain(fix)}`)
  if (add) print(quotedPlainly(JSON.stringify(add.statements, null, 2)).replaceAll(/^/gm, indent))
}
