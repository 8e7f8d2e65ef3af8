/** What users of other tools type for these commands. */
const SYNONYMS: Record<string, string> = {
  add: 'set',
  cat: 'get',
  create: 'init or set',
  del: 'unset',
  delete: 'unset',
  edit: 'edit',
  exec: 'run',
  ls: 'list',
  mv: 'rename',
  new: 'init or set',
  open: 'decrypt or get',
  put: 'set',
  read: 'get',
  remove: 'unset',
  rm: 'unset',
  seal: 'set or encrypt',
  show: 'get or list',
  status: 'list or doctor',
  store: 'set',
  view: 'get or list',
  write: 'set',
}

const NO_VALUES =
  "a value is never given as an argument, where the process list and the shell's history show it: type it at the prompt, pipe it in, or use --from-file.\n"

/**
 * Rewrites commander's message: what was typed after an option or a name may be a value, and is not
 * repeated.
 */
export function usageError(text: string): string {
  const command = /^error: unknown command '([\w-]*)/.exec(text)?.[1]
  if (command !== undefined) return unknownCommand(command, suggestionIn(text))
  const option = /^error: unknown option '(--?[\w-]*)/.exec(text)?.[1]
  if (option !== undefined) {
    const name = option.startsWith('--') ? option : option.slice(0, 2)
    return `error: unknown option ${name}${suggestionIn(text)}\n${NO_VALUES}`
  }
  const invalid = /^error: (option|command-argument value) '([^']*)'[^]*? is invalid\. (.*)/.exec(
    text,
  )
  if (invalid?.[1] === 'option') return `error: option ${invalid[2]}: ${invalid[3]}\n`
  return text.startsWith('error: too many arguments') ? text + NO_VALUES : text
}

const suggestionIn = (text: string) => /\n\(Did you mean [^\n]*\?\)/.exec(text)?.[0] ?? ''

function unknownCommand(name: string, suggestion: string): string {
  const synonym = Object.hasOwn(SYNONYMS, name) ? `\n(Did you mean ${SYNONYMS[name]}?)` : undefined
  return `error: unknown command ${name}${synonym ?? suggestion}\nnpx unplugin-kms --help lists the commands\n`
}
