import type { Command } from '@commander-js/extra-typings'
import { lstat, readFile, realpath, rm } from 'node:fs/promises'
import { KmsBuildError } from '../../errors.js'
import { count, note, print, printJson, warn } from '../support/output.js'
import {
  example,
  fileOption,
  jsonOption,
  scopeOf,
  scopeOption,
  secretsOptions,
  trustOption,
} from '../support/shared-options.js'
import { confirmed } from '../support/value.js'

export function addImport(program: Command) {
  const command = program
    .command('import')
    .description('Seal the values of a dotenv file. Needs no AWS.')
    .argument('<path>', 'dotenv file')
    .argument('[name...]', 'variables to import (default: all)')
    .option('--delete', 'delete the dotenv file, if everything in it was sealed')
    .addOption(scopeOption('scope of the entries (default: default)'))
    .addOption(fileOption())
    .addOption(trustOption())
    .addOption(jsonOption('{ path, added, replaced, skipped }'))
    .action(async (path, names, flags) => {
      const { readDotenv, unambiguousValues } = await import('../../util/dotenv.js')
      const { setSecrets } = await import('../../secrets/set.js')
      const file = await readDotenv(path)
      const chosen = unambiguousValues(file, names)
      const missing = names.find((name) => !chosen.has(name))
      if (missing !== undefined)
        throw new KmsBuildError(
          'NAME_UNKNOWN',
          `${path} has no value for ${missing}. Add one there, or leave the name out.`,
        )
      if (!chosen.size)
        throw new KmsBuildError(
          'PLAINTEXT_EMPTY',
          `${path} has no value to import. Write one line NAME=value per value.`,
        )
      const sealed = await setSecrets(chosen, { ...secretsOptions(flags), ...scopeOf(flags) })
      for (const warning of [...sealed.warnings, ...file.warnings]) warn(warning)
      if (file.empty.length && !names.length)
        note(`left out, since they are empty: ${file.empty.join(', ')}`)
      const { added, replaced } = sealed.result
      if (flags.json) printJson({ path: sealed.path, added, replaced, skipped: file.empty })
      else
        print(
          `sealed ${count(chosen.size, 'value')} into ${sealed.path}: ${added.length} added, ${replaced.length} replaced`,
        )
      // Anything else in the file would be lost with it.
      const isComplete =
        chosen.size === file.values.size && !file.ambiguous.size && !file.warnings.length
      if (flags.delete && !isComplete)
        warn(`${path} was not deleted: not everything in it was sealed`)
      else if (flags.delete ?? (isComplete && (await confirmed(`Delete ${path}?`, false))))
        await deletePlaintext(path, file.bytes)
    })
  example(
    command,
    'npx unplugin-kms import .env --delete',
    'npx unplugin-kms import .env DB_PASSWORD STRIPE_KEY',
  )
}

/** Deletes a dotenv file whose values are sealed, unless the plaintext would stay elsewhere. */
async function deletePlaintext(path: string, sealed: Buffer): Promise<void> {
  const keep = (why: string) => warn(`${path} is sealed but was not deleted: ${why}`)
  try {
    const stats = await lstat(path)
    if (stats.isSymbolicLink())
      return keep(
        `it is a symbolic link. Delete the file that it points to: ${await realpath(path)}`,
      )
    if (!stats.isFile()) return keep('it is not a regular file')
    if (stats.nlink > 1)
      return keep(
        `the file has ${stats.nlink} names (hard links), and its values would stay under the others. Delete all of them`,
      )
    if (!sealed.equals(await readFile(path)))
      return keep('it was changed in the meantime. Import it again')
    await rm(path)
    return note(`deleted ${path}; if it was ever committed, git history keeps it`)
  } catch (error) {
    return warn(
      `${path} is sealed but could not be deleted (${(error as NodeJS.ErrnoException).code}): delete it yourself`,
    )
  }
}
