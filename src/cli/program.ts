import {
  Command,
  CommanderError,
  Option,
  type HelpConfiguration,
} from '@commander-js/extra-typings'

import { nameFlags } from '../aws/option-name.js'
import { requireSdkFrom } from '../aws/sdk.js'
import { KmsBuildError } from '../errors.js'
import { printable } from '../printable.js'
import { addBuild } from './commands/build.js'
import { addCompletion } from './commands/completion.js'
import { addDiff } from './commands/diff.js'
import { addEdit } from './commands/edit.js'
import { addExport } from './commands/export.js'
import { addRun } from './commands/run.js'
import { addTextconv } from './commands/textconv.js'
import { addDecrypt } from './commands/decrypt.js'
import { addDoctor } from './commands/doctor.js'
import { addEncrypt } from './commands/encrypt.js'
import { addFleet } from './commands/fleet.js'
import { addGet } from './commands/get.js'
import { addImport } from './commands/import.js'
import { addInit } from './commands/init.js'
import { addInspect } from './commands/inspect.js'
import { addList } from './commands/list.js'
import { local } from './commands/local.js'
import { addMerge } from './commands/merge.js'
import { addPage } from './commands/page.js'
import { addPolicy } from './commands/policy.js'
import { addRename } from './commands/rename.js'
import { addRewrap } from './commands/rewrap.js'
import { addRotate } from './commands/rotate.js'
import { addScan } from './commands/scan.js'
import { addSet } from './commands/set.js'
import { addUnset } from './commands/unset.js'
import { EXIT, exitCodeOf } from './support/exit-codes.js'
import { complain, note } from './support/output.js'
import { rejectRepeated } from './support/shared-options.js'
import { usageError } from './support/usage-error.js'
import { InterruptedError } from './support/value.js'
import { version } from './version.js'

/** The commands that the main help describes, by their names; it only names the others. */
const MAIN = {
  init: addInit,
  set: addSet,
  get: addGet,
  list: addList,
  import: addImport,
  edit: addEdit,
  run: addRun,
  rotate: addRotate,
  build: addBuild,
  inspect: addInspect,
  page: addPage,
  scan: addScan,
  policy: addPolicy,
  doctor: addDoctor,
  fleet: addFleet,
}

const MORE = {
  unset: addUnset,
  rename: addRename,
  encrypt: addEncrypt,
  decrypt: addDecrypt,
  rewrap: addRewrap,
  merge: addMerge,
  export: addExport,
  diff: addDiff,
  textconv: addTextconv,
  completion: addCompletion,
}

const COMMANDS = new Map<string, (program: Command) => void>(Object.entries({ ...MAIN, ...MORE }))
/** With `local`, which is another program. */
const MAIN_COUNT = Object.keys(MAIN).length + 1

/** Runs the command line. @returns the exit code. */
export async function run(argv: string[]): Promise<number> {
  nameFlags()
  requireSdkFrom(import.meta.url)
  if (argv[0] === 'local') return local(argv.slice(1))
  if (argv[0] === 'help' && argv[1] === 'local') return local(['--help'])
  const program = createProgram(argv[0])
  try {
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? EXIT.SUCCESS)
  } catch (error) {
    if (error instanceof InterruptedError) return EXIT.INTERRUPTED
    if (!(error instanceof CommanderError)) explain(error, program.opts().verbose === true)
    return exitCodeOf(error)
  }
}

/**
 * Declares the commands.
 *
 * @param asked the command that is run, if it is known. The others are not declared then, which takes
 *   longer than a short command.
 */
export function createProgram(asked?: string) {
  const program = new Command('unplugin-kms')
    .usage('COMMAND [--help] [--verbose] [--version]')
    .configureHelp(HELP)
    .addOption(new Option('--verbose', 'show the cause of an error').hideHelp())
    .version(version())
    .configureOutput({ outputError: (text, write) => write(printable(usageError(text))) })
    .exitOverride()
    .helpCommand('help [command]')
  const only = asked === undefined || asked === 'completion' ? undefined : COMMANDS.get(asked)
  if (only) {
    only(program)
  } else {
    for (const add of Object.values(MAIN)) add(program)
    program.command('local').summary('Run a command against an embedded KMS')
    for (const add of Object.values(MORE)) add(program)
  }
  for (const { options } of program.commands) rejectRepeated(options)
  const more = program.commands.slice(MAIN_COUNT).map((command) => command.name())
  return program.addHelpText(
    'after',
    `More commands: ${more.join(', ')}
Example: npx unplugin-kms init --key alias/orders
Exit codes: 0 success, 1 findings, 2 usage error, 3 AWS error, 4 invalid input`,
  )
}

const HELP: HelpConfiguration = {
  subcommandTerm: (command) =>
    [
      command.name(),
      ...command.registeredArguments.map((argument) =>
        argument.required ? argument.name().toUpperCase() : '',
      ),
    ].join(' '),
  // Descriptions contain the choices and defaults, in fewer words.
  optionDescription: ({ description }) => description,
  // The help fits on one screen: it describes the first commands, and its usage has the options.
  visibleCommands: (command) => command.commands.slice(0, MAIN_COUNT),
  visibleOptions: (command) => command.options.filter(({ hidden }) => !hidden && command.parent),
}

function explain(error: unknown, verbose: boolean): void {
  if (!(error instanceof KmsBuildError)) {
    const { code, name } = error as NodeJS.ErrnoException
    complain(`unexpected error: ${code ?? name}. Please report it, with the output of --verbose.`)
    if (verbose) note((error as Error).stack ?? '')
    return
  }
  complain(error.message)
  const cause = error.cause as (Error & { $metadata?: { requestId?: string } }) | undefined
  if (verbose && cause)
    note(
      `cause: ${cause.name}: ${cause.message}${cause.$metadata?.requestId ? ` (request ${cause.$metadata.requestId})` : ''}`,
    )
}
