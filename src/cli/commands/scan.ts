import type { Command } from 'commander'
import type { Leftover } from '../../pipeline/leak-check/examine.js'
import { EXIT } from '../support/exit-codes.js'
import { count, note, print, printJson, waiting } from '../support/output.js'
import { awsOptions, example, several, withAws, type AwsFlags } from '../support/shared-options.js'

interface Flags extends AwsFlags {
  file?: string | false
  env?: string[]
  envFile?: string[]
  except?: string[]
  json?: boolean
}

/** How a scan calls what the bundler left. */
const LEFT: Record<Leftover['what'], string> = {
  mark: 'a mark that was never transformed',
  text: 'the source of a module with marks, as a text,',
  shim: 'an import of the shim, which no deployed function finds,',
}

export function addScan(program: Command) {
  const command = withAws(program.command('scan'))
    .summary('search build output for plaintexts')
    .description(
      'search build output, of whatever tool, for plaintexts, as the build does; exit 1 if there are any',
    )
    .argument('<folder>')
    .option(
      '-f, --file <path>',
      'look for the entries of this secrets file; needs kms:Decrypt (default: kms-secrets.json)',
    )
    .option('--no-file', 'look for no entries, and ask no AWS')
    .option('--env <name>', 'look for the value of an environment variable; repeatable', several)
    .option('--env-file <path>', 'look for the values of a dotenv file; repeatable', several)
    .option('--except <name>', 'a name whose value may stand there; repeatable', several)
    .option('--json', 'print { files, searched, short, leaks, leftovers }')
    .action(async (folder: string, flags: Flags) => {
      const { scanFolder } = await import('../../secrets/scan.js')
      const { leakText } = await import('../../pipeline/leak-check/leak-check.js')
      const scanned = await waiting(`searching ${folder}`, () =>
        scanFolder(folder, {
          ...awsOptions(flags),
          ...(flags.file !== undefined && { secretsFile: flags.file }),
          ...(flags.env && { env: flags.env }),
          ...(flags.envFile && { envFiles: flags.envFile }),
          ...(flags.except && { proof: { except: flags.except } }),
        }),
      )
      const { files, searched, short, leaks, leftovers } = scanned
      if (leaks.length || leftovers.length) process.exitCode = EXIT.FOUND
      if (flags.json) return printJson(scanned)
      for (const leak of leaks) print(leakText(leak))
      for (const { asset, what } of leftovers) print(`${LEFT[what]} in ${asset}`)
      if (short.length) note(`too short to be looked for: ${short.join(', ')}`)
      return print(
        `${count(leaks.length + leftovers.length, 'finding')} in ${count(files, 'file')}; ${count(searched, 'value')} looked for`,
      )
    })
  example(
    command,
    'npx unplugin-kms scan dist',
    'npx unplugin-kms scan dist --no-file --env-file .env',
  )
}
