import type { Command } from '@commander-js/extra-typings'
import type { Leftover } from '../../pipeline/leak-check/examine.js'
import { KmsBuildError } from '../../errors.js'
import type { StagedScanResult } from '../../secrets/scan-staged.js'
import type { ScanResult, ScanOptions } from '../../secrets/scan.js'
import { EXIT } from '../support/exit-codes.js'
import { count, note, print, printJson, waiting } from '../support/output.js'
import { sarif, type Finding } from '../support/sarif.js'
import {
  awsOptions,
  example,
  jsonOption,
  profileOption,
  regionOption,
  several,
} from '../support/shared-options.js'
import { version } from '../version.js'

/** How a scan describes what the bundler left. */
const LEFT: Record<Leftover['what'], string> = {
  mark: 'a mark that was never transformed',
  text: 'the source of a module with marks, as a text,',
  shim: 'an import of the shim, which no deployed function finds,',
}

export function addScan(program: Command) {
  const command = program
    .command('scan')
    .description('Search build output, of any tool, or staged files. Exit 1 on findings.')
    .argument('[folder]')
    .option(
      '-f, --file <path>',
      'search for the entries of this secrets file; needs kms:Decrypt (default: kms-secrets.json)',
    )
    .option('--no-file', 'search for no entries, without AWS')
    .option('--env <name>', 'search for the value of an environment variable; repeatable', several)
    .option('--env-file <path>', 'search for the values of a dotenv file; repeatable', several)
    .option('--except <name>', 'secret that the output may contain; repeatable', several)
    .option('--staged', 'search what git has staged, for literals and the values of .env files')
    .option('--install-hook', 'run scan --staged before each commit')
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('{ files, searched, short, leaks, leftovers }'))
    .option('--sarif', 'print SARIF 2.1.0')
    .action(async (folder, flags) => {
      if (flags.installHook) return hook()
      if ((folder === undefined) === !flags.staged)
        throw new KmsBuildError('ARGUMENT_INVALID', 'give a folder, or --staged.')
      const options = {
        ...awsOptions(flags),
        ...(flags.file !== undefined && { secretsFile: flags.file }),
        ...(flags.env && { env: flags.env }),
        ...(flags.envFile && { envFiles: flags.envFile }),
        ...(flags.except && { leakCheck: { except: flags.except } }),
      }
      const scanned = await waiting(`searching ${folder ?? 'staged files'}`, () =>
        search(folder, options),
      )
      const findings = await findingsOf(scanned)
      if (findings.length) process.exitCode = EXIT.FINDINGS
      if (flags.sarif) return printJson(sarif(findings, version()))
      if (flags.json) return printJson(scanned)
      for (const { text } of findings) print(text)
      if (scanned.short.length) note(`too short to search for: ${scanned.short.join(', ')}`)
      return print(
        `${count(findings.length, 'finding')} in ${count(scanned.files, 'file')}; searched for ${count(scanned.searched, 'value')}`,
      )
    })
  example(
    command,
    'npx unplugin-kms scan dist',
    'npx unplugin-kms scan dist --no-file --env-file .env',
    'npx unplugin-kms scan --install-hook',
  )
}

async function search(
  folder: string | undefined,
  options: ScanOptions,
): Promise<ScanResult & Partial<StagedScanResult>> {
  if (folder === undefined) {
    const { scanStaged } = await import('../../secrets/scan-staged.js')
    return scanStaged(options)
  }
  const { scanFolder } = await import('../../secrets/scan.js')
  return scanFolder(folder, options)
}

async function findingsOf({
  leaks,
  leftovers,
  literals = [],
}: ScanResult & Partial<StagedScanResult>): Promise<Finding[]> {
  const { leakText } = await import('../../pipeline/leak-check/leak-check.js')
  return [
    ...leaks.map((leak) => {
      const [line, column] = (leak.place ?? '').split(':').map(Number)
      return {
        rule: 'plaintext' as const,
        text: leakText(leak),
        file: leak.asset,
        ...(line && { line, ...(column && { column }) }),
      }
    }),
    ...leftovers.map(({ asset, what }) => ({
      rule: 'leftover' as const,
      text: `${LEFT[what]} in ${asset}`,
      file: asset,
    })),
    ...literals.map((place) => {
      const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(place)!
      return {
        rule: 'plaintext-literal' as const,
        text: `${place}  plaintext literal: seal it with npx unplugin-kms encrypt`,
        file: file!,
        line: Number(line),
        column: Number(column),
      }
    }),
  ]
}

async function hook(): Promise<void> {
  const { installHook } = await import('../../secrets/install-hook.js')
  const { path, add } = await installHook('.')
  if (add === undefined) print(`${path} runs npx unplugin-kms scan --staged before each commit`)
  else print(`add to ${path}:\n${add}`)
}
