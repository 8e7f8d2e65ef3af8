import { Option, type Command } from '@commander-js/extra-typings'
import { DEFAULT_SCOPE } from '../../secrets-file/names.js'
import { count, emphasis, note, print, printJson, waiting, warn } from '../support/output.js'
import { examineWithProgress } from '../support/examine-fleet.js'
import {
  announceKeys,
  awsOptions,
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
  type SharedFlags,
  trustOption,
} from '../support/shared-options.js'

interface Flags extends SharedFlags {
  key?: string[] | undefined
  scope?: string | undefined
  recovery?: string[] | undefined
  postQuantum?: boolean | undefined
  branches: boolean
  fleet?: true | undefined
  json?: true | undefined
}

export function addRotate(program: Command) {
  const command = program
    .command('rotate')
    .description('Create a new data key pair and seal everything again. Needs kms:Decrypt.')
    .argument('[path...]', 'sources to seal again; with --prune, to search')
    .addOption(keyOption('KMS key of the pair (default: the same)'))
    .addOption(recoveryOption('age recipient (default: the same)'))
    .option('--post-quantum', 'ML-KEM pair, or --no-post-quantum: P-256 pair')
    .addOption(new Option('--no-post-quantum').hideHelp())
    .option('--prune', 'create no pair; delete earlier ones that nothing uses')
    .option('--no-branches', 'with --prune: ignore the branches of git')
    .option('--fleet', 'with --prune: keep pairs of deployed functions')
    .addOption(scopeOption('scope that gets a new pair (default: all)'))
    .addOption(fileOption())
    .addOption(trustOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('the result'))
    .action((paths, flags) => (flags.prune ? prune(paths, flags) : rotate(paths, flags)))
  example(command, 'npx unplugin-kms rotate src')
}

/** What neither new keys nor another context can fix. */
export const NO_REMEDY =
  'this does not help against a value that leaked: change that value where it is used, and set it again'

async function rotate(paths: string[], flags: Flags) {
  const { rotateSecrets } = await import('../../secrets/rotate.js')
  const options = {
    ...secretsOptions(flags),
    ...scopeOf(flags),
    paths,
    ...(flags.key && { keyIds: flags.key }),
    ...(flags.recovery && { recovery: flags.recovery }),
    ...(flags.postQuantum !== undefined && { postQuantum: flags.postQuantum }),
    onWrap: announceKeys,
  }
  const rotated = await waiting('asking KMS', () => rotateSecrets(options))
  rotated.warnings.forEach(warn)
  if (flags.json) return printJson(rotated)
  print(
    rotated.finished
      ? 'finished an earlier rotation: what was sealed to an earlier pair is sealed to the current one; run it again for a new pair'
      : rotated.scopes
          .map(({ scope, fingerprint }) => {
            const of = scope === DEFAULT_SCOPE ? '' : `the scope ${scope} of `
            return `made ${fingerprint}, now the current pair of ${of}${rotated.path}`
          })
          .join('\n'),
  )
  print(
    `sealed again: ${count(rotated.entries, 'entry')}, literals in ${count(rotated.sources.length, 'file')}`,
  )
  if (flags.postQuantum && !rotated.finished)
    print('it opens on Node.js 24.7 and later (the Lambda runtime nodejs24.x) only')
  if (rotated.pins.length > 1) {
    print(`pin the file as it is now: ${emphasis(rotated.pin)}`)
    print(`until every branch has it, pin also: ${rotated.pins[0]}`)
  }
  return note(NO_REMEDY)
}

/** Examines the deployed functions of the region, and returns which of them need a pair. */
async function deployedUses(flags: Flags) {
  const { usesOf } = await import('../../fleet/uses.js')
  const { file, region } = flags
  const fleet = await examineWithProgress({
    ...awsOptions(flags),
    ...(file !== undefined && { secretsFiles: [file] }),
    ...(region !== undefined && { regions: [region] }),
  })
  return usesOf(fleet)
}

/** Prints when KMS last used the keys of the file's pairs: a second source, where KMS answers. */
async function showLastUsage(flags: Flags) {
  const { existingSecretsFile } = await import('../../secrets-file/locate.js')
  const { keyLastUsage } = await import('../../aws/key-last-usage.js')
  const options = secretsOptions(flags)
  const { pairs } = await existingSecretsFile(options)
  const keys = new Set(
    [...pairs.values()].flatMap(({ wrapped }) => wrapped.map(({ keyId }) => keyId)),
  )
  for (const { keyArn, operation, at } of await keyLastUsage([...keys], options.aws))
    note(`KMS last used ${keyArn} at ${at}, for ${operation}`)
}

async function prune(paths: string[], flags: Flags) {
  const { prunePairs } = await import('../../secrets/prune.js')
  const deployed = flags.fleet && (await deployedUses(flags))
  if (flags.fleet && !flags.json) await showLastUsage(flags)
  const { path, result, warnings } = await prunePairs({
    ...secretsOptions(flags),
    ...(deployed && { deployed }),
    ...(paths.length && { paths }),
    branches: flags.branches,
  })
  warnings.forEach(warn)
  if (flags.json) return printJson({ path, ...result })
  for (const fingerprint of result.dropped) print(`dropped ${fingerprint}`)
  for (const { fingerprint, uses } of result.kept) {
    print(
      `kept ${fingerprint}, to which these are sealed:\n${uses
        .slice(0, 10)
        .map((use) => `  ${use}`)
        .join('\n')}${uses.length > 10 ? `\n  and ${uses.length - 10} more` : ''}`,
    )
  }
  if (!result.dropped.length && !result.kept.length) print(`${path} has no earlier pairs`)
}
