import { Argument, Option, type Command } from 'commander'
import type { Options } from '../../options/types.js'
import type { PolicyFormat } from '../../policy/format.js'
import type { PolicyOf, Statement } from '../../policy/statement.js'
import { note, print, quotedPlainly } from '../support/output.js'
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
  key?: string[]
  context?: Record<string, string>
  mode?: Options['mode']
  account?: string
  sourceKey?: string[]
  role?: string
  format: PolicyFormat
}

export function addPolicy(program: Command) {
  const command = withAws(
    withFile(
      program
        .command('policy')
        .summary('print the least IAM policy')
        .description(
          "print the least IAM policy of a function's role (runtime: of bundles, else of the secrets file) or of a build's (of its sources)",
        )
        .addArgument(new Argument('<whose>').choices(['runtime', 'build']))
        .argument('[path...]'),
    ),
  )
    .option('--key <id>', "the plugin's keyId, without a secrets file", several)
    .option('--context <name=value>', "the plugin's encryptionContext", contextPair)
    .addOption(new Option('--mode <mode>', "the plugin's mode").choices(['envelope', 'direct']))
    .option('--account <id>', 'of parameters and secrets that are named without an ARN')
    .option('--source-key <arn>', 'that these are encrypted under', several)
    .option('--role <arn>', "print what the key's own policy must say of this role instead")
    .addOption(
      new Option('--format <format>', 'json, terraform, cloudformation, sam or cdk')
        .choices(['json', 'terraform', 'cloudformation', 'sam', 'cdk'])
        .default('json'),
    )
    .action(async (whose: 'runtime' | 'build', paths: string[], flags: Flags) => {
      if (flags.role !== undefined) {
        const { expectRoleArn } = await import('../../policy/role-arn.js')
        expectRoleArn(flags.role)
      }
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
  const { openingsOf } = await import('../../policy/openings.js')
  const { decryptStatements } = await import('../../policy/runtime-policy.js')
  const openings = await openingsOf({
    bundles,
    ...keysAndContext(flags),
    ...secretsOptions(flags),
  })
  if (!openings.length) return note('nothing there is opened with KMS: no permission is needed.')
  const statements = decryptStatements(openings)
  if (flags.role !== undefined) return printKeyPolicies(statements, flags.role, flags.format)
  await printStatements(statements, flags.format, 'runtime')
  note(
    "The key's own policy must let the account's IAM policies decide, or name the role itself: --role ARN prints that part, and npx unplugin-kms doctor --role ARN says whether it is missing.",
  )
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
  if (!statements.length) note('this build asks nothing of AWS: no permission is needed.')
  else if (role !== undefined) await printKeyPolicies(statements, role, format)
  else await printStatements(statements, format, 'build')
}

async function printKeyPolicies(granted: Statement[], role: string, format: PolicyFormat) {
  const { keyPolicyParts } = await import('../../policy/key-policy.js')
  const parts = keyPolicyParts(granted, role)
  if (!parts.length) note('no key is asked: no key policy has to say anything.')
  for (const { keyArn, statements } of parts) {
    note(`add to the policy of ${keyArn}:`)
    await printStatements(statements, format, 'key')
  }
}

async function printStatements(statements: Statement[], format: PolicyFormat, of: PolicyOf) {
  const { formatPolicy } = await import('../../policy/format.js')
  print(quotedPlainly(formatPolicy(statements, format, of)))
}
