import type { Command } from '@commander-js/extra-typings'
import type { Fleet } from '../../fleet/types.js'
import { examineWithProgress } from '../support/examine-fleet.js'
import { EXIT } from '../support/exit-codes.js'
import { alarm, count, dim, note, plain, print, printJson } from '../support/output.js'
import {
  contextPair,
  example,
  jsonOption,
  profileOption,
  several,
} from '../support/shared-options.js'

export function addFleet(program: Command) {
  const command = program
    .command('fleet')
    .description(
      'List the secrets of deployed Lambda functions that differ from the secrets file, by their tokens. Needs lambda:ListFunctions and lambda:GetFunction. Exit 1 if a function must be deployed again, or needs another runtime.',
    )
    .option('--region <region>', 'AWS region; repeatable', several)
    .option('--function <glob>', 'functions to examine, such as orders-*; repeatable', several)
    .option('--tag <name=value>', 'tag that a function must have; repeatable', contextPair)
    .option('-f, --file <path>', 'secrets file (default: kms-secrets.json); repeatable', several)
    .option('--zip <folder>', 'read the zip files of a folder, and call no AWS service')
    .option('--since <date>', 'read from git since then when values were replaced')
    .addOption(profileOption())
    .option('--html <path>', 'write a self-contained HTML report')
    .addOption(jsonOption('{ functions, examined, redeploy, notes }'))
    .action(async (flags) => {
      const fleet = await examineWithProgress({
        ...(flags.region && { regions: flags.region }),
        ...(flags.function && { functions: flags.function }),
        ...(flags.tag && { tags: flags.tag }),
        ...(flags.file && { secretsFiles: flags.file }),
        ...(flags.zip !== undefined && { zipFolder: flags.zip }),
        ...(flags.since !== undefined && { since: flags.since }),
        aws: { ...(flags.profile !== undefined && { profile: flags.profile }) },
      })
      if (fleet.redeploy.length || fleet.functions.some((one) => one.unsupportedRuntime))
        process.exitCode = EXIT.FINDINGS
      if (flags.html !== undefined) await writeReport(flags.html, fleet)
      if (flags.json) return printJson(fleet)
      return showTable(fleet)
    })
  example(
    command,
    'npx unplugin-kms fleet --region eu-west-1 --function "orders-*"',
    'npx unplugin-kms fleet --zip build --since "6 months ago"',
  )
}

async function writeReport(out: string, fleet: Fleet) {
  const { fleetPage } = await import('../../pages/fleet-page.js')
  const { replaceFile } = await import('../../util/replace-file.js')
  await replaceFile(out, await fleetPage(fleet))
  note(`created ${out}`)
}

function showTable({ functions, examined, redeploy, notes }: Fleet) {
  for (const {
    name,
    version,
    aliases,
    region,
    lastModified,
    secrets,
    notRead,
    unsupportedRuntime,
  } of functions) {
    const where = [region, version, ...aliases.map((alias) => `alias ${alias}`)].filter(Boolean)
    print(`${plain(name)} ${dim(`(${plain(where.join(', '))}; ${lastModified ?? 'no date'})`)}`)
    for (const { name: secret, state, replacedAt } of secrets) {
      const text = `  ${plain(secret ?? '(no name)')}: ${state}${replacedAt ? `, replaced ${replacedAt}` : ''}`
      print(state === 'current' ? text : alarm(text))
    }
    if (unsupportedRuntime)
      print(alarm(`  ${unsupportedRuntime} cannot open its ML-KEM secrets: they need nodejs24.x`))
    for (const reason of notRead) print(alarm(`  not read: ${plain(reason)}`))
  }
  notes.forEach((text) => note(text))
  note(`${count(examined, 'function')} examined`)
  if (redeploy.length) print(`Deploy again:\n${redeploy.map((id) => `  ${plain(id)}`).join('\n')}`)
}
