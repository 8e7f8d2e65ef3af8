import type { Command } from '@commander-js/extra-typings'
import { placeText, type Place } from '../../errors.js'
import { EXIT } from '../support/exit-codes.js'
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

export function addEncrypt(program: Command) {
  const command = program
    .command('encrypt')
    .description("Turn plaintext secret('…') literals into sealed tokens, in place. Needs no AWS.")
    .argument('<path...>', 'source files, or folders of them')
    .option('--check', 'change nothing; exit 1 if there are plaintext literals')
    .addOption(scopeOption('scope of the literals (default: default)'))
    .addOption(fileOption())
    .addOption(trustOption())
    .addOption(jsonOption('a list of { path, places }'))
    .action(async (paths, flags) => {
      const { encryptSources, findPlaintextLiterals } = await import('../../secrets/encrypt.js')
      if (flags.check) {
        const found = await findPlaintextLiterals(paths)
        report(found, flags.json, 'plaintext')
        if (!found.length) return
        note(
          'seal them with npx unplugin-kms encrypt, or move them to the secrets file with npx unplugin-kms set',
        )
        process.exitCode = EXIT.FINDINGS
        return
      }
      const { changed, warnings } = await encryptSources(paths, {
        ...secretsOptions(flags),
        ...scopeOf(flags),
      })
      warnings.forEach(warn)
      report(changed, flags.json, 'sealed')
      if (changed.length)
        note(
          'if a plaintext was ever committed, git history keeps it: change the value where it is used, and seal the new one',
        )
    })
  example(
    command,
    'npx unplugin-kms encrypt src',
    'npx unplugin-kms encrypt --check src   # in a pre-commit hook',
  )
}

/** Prints how many literals there are, and where. */
export function report(
  changed: { path: string; places: Place[] }[],
  json: boolean | undefined,
  what: string,
) {
  if (json) return printJson(changed)
  const places = changed.flatMap((source) => source.places)
  for (const place of places) print(`${placeText(place)}  ${what}`)
  return print(`${count(places.length, `${what} literal`)} in ${count(changed.length, 'file')}`)
}
