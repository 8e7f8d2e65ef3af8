import { Command, CommanderError, Option } from 'commander'
import { nameFlags } from '../aws/option-name.js'
import { KmsBuildError } from '../errors.js'
import { addBuild } from './commands/build.js'
import { addDecrypt } from './commands/decrypt.js'
import { addDoctor } from './commands/doctor.js'
import { addEncrypt } from './commands/encrypt.js'
import { addGet } from './commands/get.js'
import { addImport } from './commands/import.js'
import { addInit } from './commands/init.js'
import { addInspect } from './commands/inspect.js'
import { addList } from './commands/list.js'
import { local } from './commands/local.js'
import { addMerge } from './commands/merge.js'
import { addPolicy } from './commands/policy.js'
import { addRename } from './commands/rename.js'
import { addRewrap } from './commands/rewrap.js'
import { addRotate } from './commands/rotate.js'
import { addScan } from './commands/scan.js'
import { addSet } from './commands/set.js'
import { addUnset } from './commands/unset.js'
import { EXIT, exitCodeOf } from './support/exit-codes.js'
import { complain, note } from './support/output.js'
import { Interrupted } from './support/value.js'

const ADD = [
  addInit,
  addSet,
  addGet,
  addList,
  addUnset,
  addRename,
  addImport,
  addEncrypt,
  addDecrypt,
  addRotate,
  addRewrap,
  addMerge,
  addScan,
  addInspect,
  addPolicy,
  addDoctor,
  addBuild,
]

/** Runs the command line. @returns the exit code. */
export async function run(argv: string[]): Promise<number> {
  if (argv[0] === 'local') return local(argv.slice(1))
  nameFlags()
  const program = createProgram()
  try {
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? EXIT.FINE)
  } catch (error) {
    if (error instanceof Interrupted) return EXIT.INTERRUPTED
    if (!(error instanceof CommanderError)) explain(error, program.opts().verbose as boolean)
    return exitCodeOf(error)
  }
}

function createProgram(): Command {
  const program = new Command('unplugin-kms')
    .usage('COMMAND [--help] [--verbose]')
    .configureHelp({
      subcommandTerm: (command) =>
        [
          command.name(),
          ...command.registeredArguments.map((argument) =>
            argument.required ? argument.name().toUpperCase() : '',
          ),
        ].join(' '),
      // Choices and defaults stand in the descriptions, in fewer words.
      optionDescription: ({ description }) => description,
    })
    .helpCommand(false)
    .addOption(
      new Option('--verbose', 'show what AWS or the system said behind an error').hideHelp(),
    )
    .addHelpText(
      'after',
      'Example: npx unplugin-kms init --key alias/orders\nExit codes: 0 fine, 1 found, 2 wrong use, 3 AWS failed, 4 broken input',
    )
    .configureOutput({ outputError: (text, write) => write(withoutValues(text)) })
    .exitOverride()
    // One screen holds the help; the options that all commands have stand in the usage.
    .addHelpOption(new Option('-h, --help').hideHelp())
  for (const add of ADD) add(program)
  program.command('local').description('run a command against an embedded KMS')
  return program
}

/** What someone typed after an option or a name may be a value, and is not said again. */
function withoutValues(text: string): string {
  const hint = /too many arguments|unknown option/.test(text)
    ? "a value is never given as an argument, where the list of processes and the shell's history show it: type it at the prompt, pipe it in, or give --from-file.\n"
    : ''
  return (
    text.replace(
      /^error: unknown option '(--?[\w-]*)[^]*?'\s*$/m,
      (_, option: string) =>
        `error: unknown option ${option.startsWith('--') ? option : option.slice(0, 2)}\n`,
    ) + hint
  )
}

function explain(error: unknown, verbose: boolean): void {
  if (!(error instanceof KmsBuildError)) {
    const { code, name } = error as NodeJS.ErrnoException
    complain(
      `this should not happen: ${code ?? name}. Please report it, with what --verbose shows.`,
    )
    if (verbose) note((error as Error).stack ?? '')
    return
  }
  complain(error.message)
  const cause = error.cause as (Error & { $metadata?: { requestId?: string } }) | undefined
  if (verbose && cause)
    note(
      `behind it: ${cause.name}: ${cause.message}${cause.$metadata?.requestId ? ` (request ${cause.$metadata.requestId})` : ''}`,
    )
}
