import type { Command } from '@commander-js/extra-typings'
import { DEFAULT_SCOPE } from '../../secrets-file/names.js'
import { emphasis, print, printJson, waiting, warn } from '../support/output.js'
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

export function addInit(program: Command) {
  const command = program
    .command('init')
    .description('Create a secrets file, or a scope in it, with a new data key pair.')
    .addOption(keyOption('KMS key: id, ARN or alias').makeOptionMandatory())
    .addOption(contextOption('encryption context, visible in CloudTrail'))
    .addOption(scopeOption('scope of the pair, added to the file if it exists'))
    .option('--post-quantum', 'ML-KEM pair, which Node.js 24.7 and later open')
    .addOption(recoveryOption('offline age key (age1…) that decrypts without KMS'))
    .addOption(fileOption())
    .addOption(trustOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .option('--merge-driver', 'let git merge secrets files entry by entry')
    .option('--no-types', 'no TypeScript declaration of the names')
    .addOption(jsonOption('{ path, fingerprint, scope, pin, keyArns, types, warnings }'))
    .action(async (flags) => {
      const { initSecretsFile, rejectExisting } = await import('../../secrets/init.js')
      const options = { ...secretsOptions(flags), ...scopeOf(flags) }
      await rejectExisting(options)
      announceKeys(flags.scope ?? DEFAULT_SCOPE, [...flags.key, ...(flags.recovery ?? [])])
      const made = await waiting('creating a data key pair in KMS', () =>
        initSecretsFile({
          ...options,
          keyIds: flags.key,
          ...(flags.context && { encryptionContext: flags.context }),
          ...(flags.recovery && { recovery: flags.recovery }),
          ...(flags.postQuantum && { postQuantum: true }),
          types: flags.types,
        }),
      )
      const { installMergeDriver } = await import('../../secrets/merge-driver.js')
      const attributes = flags.mergeDriver ? await installMergeDriver(made.path) : undefined
      made.warnings.forEach(warn)
      if (flags.json) return printJson(made)
      const scope = flags.scope === undefined ? '' : `the scope ${flags.scope} of `
      print(`created ${scope}${emphasis(made.path)}, which is safe to commit`)
      for (const arn of made.keyArns) print(`  decrypts with ${arn}`)
      if (flags.postQuantum)
        print('  opens on Node.js 24.7 and later (the Lambda runtime nodejs24.x) only')
      if (made.types) print(`created ${made.types}, which types secret.named(); commit it too`)
      if (attributes)
        print(
          `git merges it by entry: commit ${attributes}, and run npx unplugin-kms merge --install in each other clone`,
        )
      print(
        `pin its keys in the plugin's options, so that no build seals to others:\n  pin: '${emphasis(made.pin)}'\nor in CI: UNPLUGIN_KMS_PIN=${made.pin}`,
      )
      return print(
        `next: npx unplugin-kms set NAME${flags.scope === undefined ? '' : ` --scope ${flags.scope}`}`,
      )
    })
  example(command, 'npx unplugin-kms init --key alias/orders --context app=orders')
}
