import type { Command } from '@commander-js/extra-typings'
import { emphasis, print, printJson, waiting, warn } from '../support/output.js'
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

export function addInit(program: Command) {
  const command = program
    .command('init')
    .summary('Create a secrets file with a new data key pair')
    .description('Create a secrets file with a new data key pair.')
    .addOption(keyOption('KMS key that encrypts it: id, ARN or alias').makeOptionMandatory())
    .addOption(contextOption('encryption context, visible in CloudTrail'))
    .addOption(fileOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .option('--merge-driver', 'let git merge secrets files entry by entry')
    .option('--no-types', 'no TypeScript declaration of the names')
    .addOption(jsonOption('{ path, fingerprint, pin, keyArns, types, warnings }'))
    .action(async (flags) => {
      const { initSecretsFile, rejectExisting } = await import('../../secrets/init.js')
      const options = secretsOptions(flags)
      await rejectExisting(options)
      const made = await waiting('creating a data key pair in KMS', () =>
        initSecretsFile({
          ...options,
          keyIds: flags.key,
          ...(flags.context && { encryptionContext: flags.context }),
          types: flags.types,
        }),
      )
      const { installMergeDriver } = await import('../../secrets/merge-driver.js')
      const attributes = flags.mergeDriver ? await installMergeDriver(made.path) : undefined
      made.warnings.forEach(warn)
      if (flags.json) return printJson(made)
      print(`created ${emphasis(made.path)}, which is safe to commit`)
      for (const arn of made.keyArns) print(`  decrypts with ${arn}`)
      if (made.types) print(`created ${made.types}, which types secret.named(); commit it too`)
      if (attributes)
        print(
          `git merges it by entry: commit ${attributes}, and run npx unplugin-kms merge --install in each other clone`,
        )
      print(
        `pin its public key in the plugin's options, so that no build seals to another key:\n  pin: '${emphasis(made.pin)}'\nor in CI: UNPLUGIN_KMS_PIN=${made.pin}`,
      )
      return print('next: npx unplugin-kms set NAME')
    })
  example(
    command,
    'npx unplugin-kms init --key alias/orders --context app=orders --context stage=prod',
  )
}
