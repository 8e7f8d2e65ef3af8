import type { Command } from 'commander'
import { emphasis, print, printJson, waiting, warn } from '../support/output.js'
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
  key: string[]
  context?: Record<string, string>
  types: boolean
  mergeDriver?: boolean
  json?: boolean
}

export function addInit(program: Command) {
  const command = withAws(withFile(program.command('init')))
    .summary('make a secrets file, with a data key pair of its own')
    .description('make a secrets file, with a data key pair of its own')
    .requiredOption(
      '-k, --key <id>',
      'KMS key that may open it: id, ARN or alias; repeatable',
      several,
    )
    .option(
      '-c, --context <name=value>',
      'encryption context, seen in CloudTrail; repeatable',
      contextPair,
    )
    .option('--merge-driver', 'have git merge secrets files entry by entry')
    .option('--no-types', 'no declaration of the names for TypeScript')
    .option('--json', 'print { path, fingerprint, pin, keyArns, types }')
    .action(async (flags: Flags) => {
      const { initSecretsFile } = await import('../../secrets/init.js')
      const made = await waiting('making a data key pair in KMS', () =>
        initSecretsFile({
          ...secretsOptions(flags),
          keyIds: flags.key,
          ...(flags.context && { encryptionContext: flags.context }),
          types: flags.types,
        }),
      )
      const { installMergeDriver } = await import('../../secrets/merge-driver.js')
      const attributes = flags.mergeDriver ? await installMergeDriver(made.path) : undefined
      made.warnings.forEach(warn)
      if (flags.json) return printJson(made)
      print(`made ${emphasis(made.path)}, which is safe to commit`)
      for (const arn of made.keyArns) print(`  opens with ${arn}`)
      if (made.types)
        print(`made ${made.types}, by which TypeScript knows the names; commit it too`)
      if (attributes)
        print(
          `git merges it by entry: commit ${attributes}, and in each other clone run npx unplugin-kms merge --install`,
        )
      print(
        `pin its public key in the plugin's options, so that no build seals to another:\n  pin: '${emphasis(made.pin)}'\nor in CI: UNPLUGIN_KMS_PIN=${made.pin}`,
      )
      return print('next: npx unplugin-kms set NAME')
    })
  example(
    command,
    'npx unplugin-kms init --key alias/orders --context app=orders --context stage=prod',
  )
}
