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
import { MAIN, MORE, nameOf, type LazyCommand } from './commands.js'
import { local } from './commands/local.js'
import { EXIT, exitCodeOf } from './support/exit-codes.js'
import { complain, note } from './support/output.js'
import { rejectRepeated } from './support/shared-options.js'
import { usageError } from './support/usage-error.js'
import { InterruptedError } from './support/value.js'
import { version } from './version.js'

/** Runs the command line. @returns the exit code. */
export async function run(argv: string[]): Promise<number> {
  nameFlags()
  requireSdkFrom(import.meta.url)
  const [first, second] = argv.filter((word) => word !== '--verbose' && word !== '--')
  if (first === 'local') return local(argv.slice(argv.indexOf('local') + 1))
  if (first === 'help' && second === 'local') return local(['--help'])
  const program = await createProgram(first === 'help' ? second : first)
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
 * Creates the program.
 *
 * @param asked the command that is run, if any. It is declared in full, and the others not at all,
 *   which would take longer than a short command. Without it, only names and summaries are declared.
 */
export async function createProgram(asked?: string) {
  const program = new Command('unplugin-kms')
    .usage('COMMAND [--help] [--verbose] [--version]')
    .configureHelp(HELP)
    .addOption(new Option('--verbose', 'show the cause of an error').hideHelp())
    .version(version())
    .configureOutput({ outputError: (text, write) => write(printable(usageError(text))) })
    .exitOverride()
    .helpCommand('help [command]')
  const all = [...MAIN, ...MORE]
  const only = all.find((command) => command.load && nameOf(command) === asked)
  // A completion script contains the options of all commands.
  if (asked === 'completion') for (const command of all) await declare(program, command)
  else if (only) await declare(program, only)
  else for (const command of all) declareName(program, command)
  return program.addHelpText(
    'after',
    `More commands: ${MORE.map(nameOf).join(', ')}
Example: npx unplugin-kms init --key alias/orders
Exit codes: 0 success, 1 findings, 2 usage error, 3 AWS error, 4 invalid input`,
  )
}

async function declare(program: Command, command: LazyCommand): Promise<void> {
  if (!command.load) return declareName(program, command)
  const add = await command.load()
  add(program)
  rejectRepeated(program.commands.at(-1)!.summary(command.summary).options)
}

/** Declares what the main help shows. */
function declareName(program: Command, { usage, summary }: LazyCommand): void {
  program
    .command(usage)
    .summary(summary)
    .action(() => program.help({ error: true }))
}

const HELP: HelpConfiguration = {
  subcommandTerm: (command) =>
    [
      command.name(),
      ...command.registeredArguments
        .filter(({ required }) => required)
        .map((argument) => argument.name().toUpperCase()),
    ].join(' '),
  // Descriptions contain the choices and defaults, in fewer words.
  optionDescription: ({ description }) => description,
  // The help fits on one screen: it describes the first commands, and its usage has the options.
  visibleCommands: (command) => command.commands.slice(0, MAIN.length),
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
