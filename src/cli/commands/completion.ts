import { Argument, type Command } from '@commander-js/extra-typings'
import { print } from '../support/output.js'
import { completionScript } from '../support/completion.js'
import { example } from '../support/shared-options.js'

export function addCompletion(program: Command) {
  const command = program
    .command('completion')
    .description('Print a completion script for bash, zsh, fish or PowerShell.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish', 'powershell'] as const))
    .action((shell) =>
      print(
        completionScript(
          shell,
          program.commands.map((each) => ({
            name: each.name(),
            summary: each.summary(),
            options: each.options.flatMap(({ long }) => long ?? []),
          })),
        ),
      ),
    )
  example(
    command,
    'source <(npx unplugin-kms completion bash)',
    'npx unplugin-kms completion fish > ~/.config/fish/completions/unplugin-kms.fish',
  )
}
