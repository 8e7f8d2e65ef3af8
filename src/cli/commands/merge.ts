import type { Command } from 'commander'
import { KmsBuildError } from '../../errors.js'
import { EXIT } from '../support/exit-codes.js'
import { note, print } from '../support/output.js'
import { example, secretsOptions, withFile, type FileFlags } from '../support/shared-options.js'

export function addMerge(program: Command) {
  const command = withFile(program.command('merge'))
    .summary('merge secrets files entry by entry, for git')
    .description('merge secrets files entry by entry: a git merge driver; needs no AWS')
    .argument('[base]', "the common ancestor (git's %O)")
    .argument('[ours]', 'our version, which gets the result (%A)')
    .argument('[theirs]', 'their version (%B)')
    .argument('[path]', 'how to call the file in messages (%P)')
    .option('--install', 'make this clone of the repository use it for the secrets file')
    .action(
      async (
        base: string | undefined,
        ours: string | undefined,
        theirs: string | undefined,
        path: string | undefined,
        flags: FileFlags & { install?: boolean },
      ) => {
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
          `${path ?? ours}: both sides changed ${conflicts.join(', ')}. Keep one side of each, or set the entry anew.`,
        )
        process.exitCode = EXIT.FOUND
      },
    )
  example(
    command,
    'npx unplugin-kms merge --install',
    'npx unplugin-kms merge base.json ours.json theirs.json',
  )
}

async function install(flags: FileFlags) {
  const { secretsFilePath } = await import('../../secrets-file/locate.js')
  const { installMergeDriver } = await import('../../secrets/merge-driver.js')
  print(
    `git merges the secrets file by entry in this clone; commit ${await installMergeDriver(secretsFilePath(secretsOptions(flags)))}`,
  )
}
