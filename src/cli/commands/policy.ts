import { Argument, Option, type Command } from '@commander-js/extra-typings'
import type { Options } from '../../options/types.js'
import type { PolicyFormat } from '../../policy/format.js'
import type { PolicyOf, Statement } from '../../policy/statement.js'
import { note, print, quotedPlainly } from '../support/output.js'
import {
  contextOption,
  example,
  fileOption,
  keyOption,
  profileOption,
  regionOption,
  secretsOptions,
  type SharedFlags,
  several,
} from '../support/shared-options.js'

interface Flags extends SharedFlags {
  key?: string[] | undefined
  context?: Record<string, string> | undefined
  mode?: Options['mode']
  account?: string | undefined
  sourceKey?: string[] | undefined
  scope?: string[] | undefined
  role?: string | undefined
  format: PolicyFormat
}

export function addPolicy(program: Command) {
  const command = program
    .command('policy')
    .description(
      "Print the least IAM policy of a bundle's role, a build's role, or the fleet command.",
    )
    .addArgument(new Argument('<whose>').choices(['runtime', 'build', 'fleet'] as const))
    .argument('[path...]')
    .addOption(keyOption("the plugin's keyId, without a secrets file"))
    .addOption(contextOption("the plugin's encryptionContext"))
    .addOption(
      new Option('--mode <mode>', "the plugin's mode").choices(['envelope', 'direct'] as const),
    )
    .option('--account <id>', 'AWS account of sources without an ARN')
    .option('--source-key <arn>', 'KMS key of sources that the build reads; repeatable', several)
    .option('-s, --scope <name>', 'runtime: scope of the secrets file; repeatable', several)
    .option('--role <arn>', 'print what the key policy needs for this role')
    .addOption(
      new Option('--format <format>', 'json, terraform, cloudformation, sam or cdk')
        .choices(['json', 'terraform', 'cloudformation', 'sam', 'cdk'] as const)
        .default('json' as const),
    )
    .addOption(fileOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .action(async (whose, paths, flags) => {
      if (flags.role !== undefined) {
        const { expectRoleArn } = await import('../../policy/role-arn.js')
        expectRoleArn(flags.role)
      }
      if (whose === 'fleet') return printFleetPolicy(flags.format)
      await (whose === 'build' ? printBuildPolicy(paths, flags) : printRuntimePolicy(paths, flags))
    })
  example(
    command,
    'npx unplugin-kms policy runtime dist',
    'npx unplugin-kms policy build src --format terraform',
  )
}

const keysAndContext = ({ key, context }: Flags) => ({
  ...(key && { keyIds: key }),
  ...(context && { encryptionContext: context }),
})

async function printRuntimePolicy(bundles: string[], flags: Flags) {
  const { decryptRequestsOf } = await import('../../policy/decrypt-requests.js')
  const { decryptStatements } = await import('../../policy/runtime-policy.js')
  const requests = await decryptRequestsOf({
    bundles,
    ...keysAndContext(flags),
    ...(flags.scope && { scopes: flags.scope }),
    ...secretsOptions(flags),
  })
  if (!requests.length) return note('nothing in it is decrypted by KMS: no permission is needed.')
  const statements = decryptStatements(requests)
  if (flags.role !== undefined) return printKeyPolicies(statements, flags.role, flags.format)
  await printStatements(statements, flags.format, 'runtime')
  note(
    "The key policy must allow the account's IAM policies or name the role itself: --role ARN prints that statement, and npx unplugin-kms doctor --role ARN reports whether it is missing.",
  )
}

async function printFleetPolicy(format: PolicyFormat) {
  const { fleetPolicy } = await import('../../policy/fleet-policy.js')
  await printStatements(fleetPolicy(), format, 'build')
  note('Optional: lambda:ListAliases for published versions, lambda:GetLayerVersion for layers.')
}

async function printBuildPolicy(paths: string[], flags: Flags) {
  const { buildPolicy } = await import('../../policy/build-policy.js')
  const { mode, account, sourceKey, role, format } = flags
  const statements = await buildPolicy({
    paths: paths.length ? paths : ['.'],
    ...keysAndContext(flags),
    ...(mode && { mode }),
    ...(account !== undefined && { account }),
    ...(sourceKey && { sourceKeys: sourceKey }),
    ...secretsOptions(flags),
  })
  if (!statements.length) note('this build calls no AWS service: no permission is needed.')
  else if (role !== undefined) await printKeyPolicies(statements, role, format)
  else await printStatements(statements, format, 'build')
}

async function printKeyPolicies(granted: Statement[], role: string, format: PolicyFormat) {
  const { keyPolicyParts } = await import('../../policy/key-policy.js')
  const parts = keyPolicyParts(granted, role)
  if (!parts.length) note('no KMS key is used: no key policy needs a statement.')
  for (const { keyArn, statements } of parts) {
    note(`add to the policy of ${keyArn}:`)
    await printStatements(statements, format, 'key')
  }
}

async function printStatements(statements: Statement[], format: PolicyFormat, of: PolicyOf) {
  const { formatPolicy } = await import('../../policy/format.js')
  print(quotedPlainly(formatPolicy(statements, format, of)))
}
