import type { Command } from 'commander'
import { placeText, type Place } from '../../errors.js'
import { EXIT } from '../support/exit-codes.js'
import { count, note, print, printJson, warn } from '../support/output.js'
import { example, secretsOptions, withTrust, type FileFlags } from '../support/shared-options.js'

interface Flags extends FileFlags {
  check?: boolean
  json?: boolean
}

export function addEncrypt(program: Command) {
  const command = withTrust(program.command('encrypt'))
    .summary("turn plaintext secret('…') literals into tokens")
    .description("turn plaintext secret('…') literals into sealed tokens, in place; needs no AWS")
    .argument('<path...>', 'source files, or folders of them')
    .option('--check', 'change nothing; exit 1 if there are any')
    .option('--json', 'print a list of { path, places }')
    .action(async (paths: string[], flags: Flags) => {
      const { encryptSources, findPlaintextLiterals } = await import('../../secrets/encrypt.js')
      if (flags.check) {
        const found = await findPlaintextLiterals(paths)
        report(found, flags.json, 'plaintext')
        if (!found.length) return
        note(
          'seal them with npx unplugin-kms encrypt, or move them to the secrets file with npx unplugin-kms set',
        )
        process.exitCode = EXIT.FOUND
        return
      }
      const { changed, warnings } = await encryptSources(paths, secretsOptions(flags))
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

/** Says how many literals, in which files. */
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
