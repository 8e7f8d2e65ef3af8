import type { Command } from 'commander'
import { count, emphasis, note, print, printJson, waiting, warn } from '../support/output.js'
import {
  example,
  secretsOptions,
  several,
  withAws,
  withTrust,
  type AwsFlags,
  type FileFlags,
} from '../support/shared-options.js'

interface Flags extends FileFlags, AwsFlags {
  key?: string[]
  prune?: boolean
  branches: boolean
  json?: boolean
}

export function addRotate(program: Command) {
  const command = withAws(withTrust(program.command('rotate')))
    .summary('make a new data key pair and seal everything anew')
    .description('make a new data key pair and seal everything anew; needs kms:Decrypt')
    .argument('[path...]', 'sources whose literals are sealed anew; with --prune, searched')
    .option('-k, --key <id>', 'KMS key of the new pair (default: as before); repeatable', several)
    .option('--prune', 'make no pair, but drop earlier ones that nothing uses')
    .option('--no-branches', 'with --prune: what git branches hold is no use')
    .option('--json', 'print what was done')
    .action((paths: string[], flags: Flags) =>
      flags.prune ? prune(paths, flags) : rotate(paths, flags),
    )
  example(command, 'npx unplugin-kms rotate src', 'npx unplugin-kms rotate --prune')
}

/** What neither new keys nor another context can mend. */
export const NO_CURE =
  'this does not help against a value that leaked: change that value where it is used, and set it anew'

async function rotate(paths: string[], flags: Flags) {
  const { rotateSecrets } = await import('../../secrets/rotate.js')
  const options = {
    ...secretsOptions(flags),
    paths,
    ...(flags.key && { keyIds: flags.key }),
  }
  const rotated = await waiting('asking KMS', () => rotateSecrets(options))
  rotated.warnings.forEach(warn)
  if (flags.json) return printJson(rotated)
  print(
    rotated.finished
      ? `sealed to ${rotated.fingerprint}, the current pair, what was still sealed to an earlier one; run it again for a new pair`
      : `made ${rotated.fingerprint}, now the current pair of ${rotated.path}`,
  )
  print(
    `sealed anew: ${count(rotated.entries, 'entry')}, literals in ${count(rotated.sources.length, 'file')}`,
  )
  if (rotated.pins.length > 1) {
    print(
      `pin all of these until npx unplugin-kms rotate --prune has dropped the earlier:\n${rotated.pins.map((pin) => `  ${pin === rotated.pin ? emphasis(pin) : pin}`).join('\n')}`,
    )
  }
  return note(NO_CURE)
}

async function prune(paths: string[], flags: Flags) {
  const { prunePairs } = await import('../../secrets/prune.js')
  const { path, result, warnings } = await prunePairs({
    ...secretsOptions(flags),
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
