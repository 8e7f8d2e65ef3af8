import type { Command } from 'commander'
import { KmsBuildError } from '../../errors.js'
import { note, print, printJson, waiting, warn } from '../support/output.js'
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
import { NO_CURE } from './rotate.js'

interface Flags extends FileFlags, AwsFlags {
  key?: string[]
  context?: Record<string, string>
  json?: boolean
}

export function addRewrap(program: Command) {
  const command = withAws(withFile(program.command('rewrap')))
    .summary('move the private keys to another KMS key or context')
    .description(
      'wrap the private keys under other KMS keys or another context; tokens stay; needs kms:ReEncrypt*',
    )
    .option(
      '-k, --key <id>',
      'KMS key that may open from now on (default: as before); repeatable',
      several,
    )
    .option(
      '-c, --context <name=value>',
      'the new encryption context (default: as before); repeatable',
      contextPair,
    )
    .option('--json', 'print { path, keyArns }')
    .action(async (flags: Flags) => {
      if (!flags.key && !flags.context)
        throw new KmsBuildError(
          'ARGUMENT_INVALID',
          'nothing to change: give --key, --context, or both.',
        )
      const { rewrapSecrets } = await import('../../secrets/rewrap.js')
      const { path, result, warnings } = await waiting('asking KMS', () =>
        rewrapSecrets({
          ...secretsOptions(flags),
          ...(flags.key && { keyIds: flags.key }),
          ...(flags.context && { encryptionContext: flags.context }),
        }),
      )
      warnings.forEach(warn)
      if (flags.json) return printJson({ path, ...result })
      print(`${path} opens with:\n${result.keyArns.map((arn) => `  ${arn}`).join('\n')}`)
      note(
        'bundles that were built before, and the file in git history, still open with the earlier key and context',
      )
      return note(NO_CURE)
    })
  example(command, 'npx unplugin-kms rewrap --key arn:aws:kms:eu-west-1:111122223333:key/…')
}
