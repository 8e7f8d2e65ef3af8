import type { Command } from '@commander-js/extra-typings'
import type { Leftover } from '../../pipeline/leak-check/examine.js'
import { EXIT } from '../support/exit-codes.js'
import { count, note, print, printJson, waiting } from '../support/output.js'
import {
  awsOptions,
  example,
  jsonOption,
  profileOption,
  regionOption,
  several,
} from '../support/shared-options.js'

/** How a scan describes what the bundler left. */
const LEFT: Record<Leftover['what'], string> = {
  mark: 'a mark that was never transformed',
  text: 'the source of a module with marks, as a text,',
  shim: 'an import of the shim, which no deployed function finds,',
}

export function addScan(program: Command) {
  const command = program
    .command('scan')
    .summary('Search build output for plaintexts')
    .description('Search build output, of any tool, for plaintexts. Exit 1 on findings.')
    .argument('<folder>')
    .option(
      '-f, --file <path>',
      'search for the entries of this secrets file; needs kms:Decrypt (default: kms-secrets.json)',
    )
    .option('--no-file', 'search for no entries, without AWS')
    .option('--env <name>', 'search for the value of an environment variable; repeatable', several)
    .option('--env-file <path>', 'search for the values of a dotenv file; repeatable', several)
    .option('--except <name>', 'secret that the output may contain; repeatable', several)
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('{ files, searched, short, leaks, leftovers }'))
    .action(async (folder, flags) => {
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
      if (leaks.length || leftovers.length) process.exitCode = EXIT.FINDINGS
      if (flags.json) return printJson(scanned)
      for (const leak of leaks) print(leakText(leak))
      for (const { asset, what } of leftovers) print(`${LEFT[what]} in ${asset}`)
      if (short.length) note(`too short to search for: ${short.join(', ')}`)
      return print(
        `${count(leaks.length + leftovers.length, 'finding')} in ${count(files, 'file')}; searched for ${count(searched, 'value')}`,
      )
    })
  example(
    command,
    'npx unplugin-kms scan dist',
    'npx unplugin-kms scan dist --no-file --env-file .env',
  )
}
