import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import type { AwsOptions } from '../../options/types.js'
import { DEFAULT_SCOPE } from '../../secrets-file/names.js'
import { note } from './output.js'

/** The secrets file: one per stage. */
export const fileOption = () =>
  new Option('-f, --file <path>', 'secrets file (default: kms-secrets.json)')

/** For commands that seal, or wrap private keys. */
export const trustOption = () => new Option('--trust', 'accept keys or contexts that changed')

/** For commands that work on one scope of a file. */
export const scopeOption = (description: string) => new Option('-s, --scope <name>', description)

/** For commands that call AWS. */
export const regionOption = () => new Option('--region <region>', 'AWS region')
export const profileOption = () => new Option('--profile <name>', 'AWS profile')

export const keyOption = (description: string) =>
  new Option('-k, --key <id>', `${description}; repeatable`).argParser(several)

export const contextOption = (description = 'encryption context') =>
  new Option('-c, --context <name=value>', `${description}; repeatable`).argParser(contextPair)

export const jsonOption = (shape: string) => new Option('--json', `print ${shape}`)

/** The flags that `secretsOptions` reads. */
export interface SharedFlags {
  file?: string | undefined
  trust?: true | undefined
  region?: string | undefined
  profile?: string | undefined
}

/** Returns what the operations on secrets files take, from the flags that a command has. */
export const secretsOptions = ({ file, trust, ...flags }: SharedFlags) => ({
  ...(file !== undefined && { secretsFile: file }),
  ...(trust !== undefined && { trust }),
  ...awsOptions(flags),
})

export const awsOptions = ({
  region,
  profile,
}: Pick<SharedFlags, 'region' | 'profile'>): { aws: AwsOptions } => ({
  aws: { ...(region !== undefined && { region }), ...(profile !== undefined && { profile }) },
})

/** For commands that encrypt private keys to offline keys. */
export const recoveryOption = (description: string) =>
  new Option('--recovery <recipient>', `${description}; repeatable`).argParser(several)

/** Returns the scope as an option of the operations. */
export const scopeOf = ({ scope }: { scope?: string | undefined }) => ({
  ...(scope !== undefined && { scope }),
})

/** Lists the KMS keys before a private key is wrapped under them. */
export const announceKeys = (scope: string, keyIds: string[]) =>
  note(
    `a private key${scope === DEFAULT_SCOPE ? '' : ` of the scope ${scope}`} is wrapped under:\n${keyIds.map((keyId) => `  ${keyId}`).join('\n')}`,
  )

/** Parses an option that may be given several times. */
export const several = (value: string, previous: string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
]

/** Parses `--context app=orders`, once for each pair. */
export function contextPair(
  text: string,
  previous: Record<string, string> | undefined,
): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Write it as NAME=VALUE.')
  const name = text.slice(0, at)
  if (previous && Object.hasOwn(previous, name))
    throw new InvalidArgumentError(`${name} is given twice. Give each name once.`)
  return { ...previous, [name]: text.slice(at + 1) }
}

/** Fails on an option that is given twice, unless it collects its values: the first would be lost. */
export function rejectRepeated(options: readonly Option[]): void {
  for (const option of options) {
    const parse = option.parseArg
    if (
      option.isBoolean() ||
      option.variadic ||
      [several, contextPair].includes(parse as typeof several)
    )
      continue
    let isGiven = false
    option.parseArg = (value: string, previous: unknown) => {
      if (isGiven) throw new InvalidArgumentError('It is given twice. Give it once.')
      isGiven = true
      return (parse ? parse(value, previous as never) : value) as never
    }
  }
}

export const example = (
  command: { addHelpText: (position: 'after', text: string) => unknown },
  ...lines: string[]
) => command.addHelpText('after', `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)
