import type { Command } from '@commander-js/extra-typings'
import { KmsBuildError } from '../../errors.js'
import { EXIT } from '../support/exit-codes.js'
import { note, print } from '../support/output.js'
import { example, fileOption, secretsOptions } from '../support/shared-options.js'

export function addMerge(program: Command) {
  const command = program
    .command('merge')
    .description('Merge secrets files entry by entry: a git merge driver. Needs no AWS.')
    .argument('[base]', "the common ancestor (git's %O)")
    .argument('[ours]', 'our version; receives the result (%A)')
    .argument('[theirs]', 'their version (%B)')
    .argument('[path]', 'path for messages (%P)')
    .option('--install', 'configure this clone of the repository')
    .addOption(fileOption())
    .action(async (base, ours, theirs, path, flags) => {
      if (flags.install) return install(flags)
      if (!base || !ours || !theirs)
        throw new KmsBuildError(
          'ARGUMENT_INVALID',
          'merge takes three files: base, ours and theirs. To have git call it: npx unplugin-kms merge --install.',
        )
      const { mergeSecretsFiles } = await import('../../secrets-file/merge.js')
      const { readGivenFile } = await import('../../util/given-file.js')
      const [one, two, three] = await Promise.all(
        [base, ours, theirs].map(async (file) => (await readGivenFile(file)).toString()),
      )
      const { text, conflicts } = mergeSecretsFiles(one!, two!, three!, path ?? ours)
      const { replaceFile } = await import('../../util/replace-file.js')
      await replaceFile(ours, text)
      if (!conflicts.length) return
      note(
        `${path ?? ours}: both sides changed ${conflicts.join(', ')}. Keep one side of each, or set the entry again.`,
      )
      process.exitCode = EXIT.FINDINGS
    })
  example(
    command,
    'npx unplugin-kms merge --install',
    'npx unplugin-kms merge base.json ours.json theirs.json',
  )
}

async function install(flags: { file?: string | undefined }) {
  const { secretsFilePath } = await import('../../secrets-file/locate.js')
  const { installMergeDriver } = await import('../../secrets/merge-driver.js')
  print(
    `git merges the secrets file by entry in this clone; commit ${await installMergeDriver(secretsFilePath(secretsOptions(flags)))}`,
  )
}
