interface CompletedCommand {
  name: string
  summary: string
  options: string[]
}

/** Returns a script that completes commands, their options, and file names. */
export function completionScript(
  shell: 'bash' | 'zsh' | 'fish' | 'powershell',
  commands: CompletedCommand[],
): string {
  return { bash, zsh, fish, powershell }[shell](commands)
}

const names = (commands: CompletedCommand[]) => commands.map(({ name }) => name).join(' ')

const bash = (commands: CompletedCommand[]) => `_unplugin_kms() {
  local word="\${COMP_WORDS[COMP_CWORD]}" at=1
  [ "\${COMP_WORDS[0]}" = npx ] && at=2
  local options=''
  case "\${COMP_WORDS[at]}" in
${commands.map(({ name, options }) => `    ${name}) options='${options.join(' ')} --help' ;;`).join('\n')}
  esac
  if [ "$COMP_CWORD" -eq "$at" ]; then
    COMPREPLY=($(compgen -W '${names(commands)}' -- "$word"))
  elif [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _unplugin_kms unplugin-kms`

const zsh = (commands: CompletedCommand[]) => `#compdef unplugin-kms
_unplugin_kms() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${zshQuoted(`${name}:${summary}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${commands.map(({ name, options }) => `    ${name}) compadd -- ${[...options, '--help'].join(' ')} ;;`).join('\n')}
  esac
  _files
}
compdef _unplugin_kms unplugin-kms`

const zshQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

const fish = (commands: CompletedCommand[]) =>
  commands
    .flatMap(({ name, summary, options }) => [
      `complete -c unplugin-kms -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", "\\'")}'`,
      ...options.map(
        (option) =>
          `complete -c unplugin-kms -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`,
      ),
    ])
    .join('\n')

const powershell = (
  commands: CompletedCommand[],
) => `Register-ArgumentCompleter -Native -CommandName unplugin-kms -ScriptBlock {
  param($word, $ast, $position)
  $options = @{
${commands.map(({ name, options }) => `    '${name}' = @(${[...options, '--help'].map((option) => `'${option}'`).join(', ')})`).join('\n')}
  }
  $words = @($ast.CommandElements | ForEach-Object { $_.ToString() })
  $choices = if ($words.Count -le 1 -or ($words.Count -eq 2 -and $word)) { $options.Keys | Sort-Object } else { $options[$words[1]] }
  $choices | Where-Object { $_ -like "$word*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}`
