import type { Command } from '@commander-js/extra-typings'
import type { SecretDifference } from '../../secrets/diff.js'
import { EXIT } from '../support/exit-codes.js'
import { note, plain, print, printJson } from '../support/output.js'
import { example, jsonOption } from '../support/shared-options.js'

export function addDiff(program: Command) {
  const command = program
    .command('diff')
    .description(
      'Compare the names and generations of two secrets files, never values. Needs no AWS. Exit 1 if they differ.',
    )
    .argument('<first>', 'secrets file')
    .argument('<second>', 'secrets file')
    .addOption(jsonOption('a list of { name, what, in? }'))
    .action(async (first, second, flags) => {
      const { diffSecretsFiles } = await import('../../secrets/diff.js')
      const differences = await diffSecretsFiles(first, second)
      if (differences.length) process.exitCode = EXIT.FINDINGS
      if (flags.json) return printJson(differences)
      for (const difference of differences) print(plain(lineOf(difference, first, second)))
      return differences.length ? undefined : note('the same names and generations')
    })
  example(command, 'npx unplugin-kms diff kms-secrets.staging.json kms-secrets.json')
}

function lineOf(difference: SecretDifference, first: string, second: string): string {
  const { name, what } = difference
  switch (what) {
    case 'only-first':
      return `- ${name}  only in ${first}`
    case 'only-second':
      return `+ ${name}  only in ${second}`
    case 'stale':
      return `~ ${name}  sealed to an earlier data key pair in ${difference.in === 'first' ? first : second}`
    case 'changed':
      return `~ ${name}  sealed again`
  }
}
