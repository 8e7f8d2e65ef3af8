import type { Command } from '@commander-js/extra-typings'
import { KmsBuildError } from '../../errors.js'
import { note, print, printJson, waiting, warn } from '../support/output.js'
import {
  announceKeys,
  contextOption,
  example,
  fileOption,
  jsonOption,
  keyOption,
  profileOption,
  recoveryOption,
  regionOption,
  scopeOf,
  scopeOption,
  secretsOptions,
  trustOption,
} from '../support/shared-options.js'
import { NO_REMEDY } from './rotate.js'

export function addRewrap(program: Command) {
  const command = program
    .command('rewrap')
    .description(
      'Encrypt the private keys under other KMS keys or another context. Tokens stay. Needs kms:ReEncrypt*.',
    )
    .addOption(keyOption('KMS key from now on (default: as before)'))
    .addOption(contextOption('new encryption context (default: as before)'))
    .addOption(scopeOption('scope whose private keys are wrapped (default: all)'))
    .addOption(
      recoveryOption('age recipient from now on, or none (default: as before); needs kms:Decrypt'),
    )
    .addOption(fileOption())
    .addOption(trustOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('{ path, keyArns }'))
    .action(async (flags) => {
      if (!flags.key && !flags.context && !flags.recovery)
        throw new KmsBuildError(
          'ARGUMENT_INVALID',
          'nothing to change: give --key, --context or --recovery.',
        )
      const { rewrapSecrets } = await import('../../secrets/rewrap.js')
      const { path, result, warnings } = await waiting('asking KMS', () =>
        rewrapSecrets({
          ...secretsOptions(flags),
          ...scopeOf(flags),
          ...(flags.recovery && {
            recovery: flags.recovery.filter((recipient) => recipient !== 'none'),
          }),
          onWrap: announceKeys,
          ...(flags.key && { keyIds: flags.key }),
          ...(flags.context && { encryptionContext: flags.context }),
        }),
      )
      warnings.forEach(warn)
      if (flags.json) return printJson({ path, ...result })
      print(`${path} decrypts with:\n${result.keyArns.map((arn) => `  ${arn}`).join('\n')}`)
      note(
        'earlier bundles, and the file in git history, still decrypt with the earlier key and context',
      )
      return note(NO_REMEDY)
    })
  example(command, 'npx unplugin-kms rewrap --key arn:aws:kms:eu-west-1:111122223333:key/…')
}
