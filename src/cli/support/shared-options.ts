import { InvalidArgumentError, type Command } from 'commander'
import type { AwsOptions } from '../../options/types.js'

export interface FileFlags {
  file?: string
  trust?: boolean
}

export interface AwsFlags {
  region?: string
  profile?: string
}

/** Which secrets file: one a stage. */
export const withFile = (command: Command) =>
  command.option('-f, --file <path>', 'the secrets file (default: kms-secrets.json)')

/** For the commands that seal. */
export const withTrust = (command: Command) =>
  withFile(command).option('--trust', 'accept a public key that is not the one remembered')

/** For the commands that ask KMS. */
export const withAws = (command: Command) =>
  command
    .option('--region <region>', 'where a key without an ARN is')
    .option('--profile <name>', "of AWS's own configuration")

/** What the operations on secrets files take, of whichever of these flags a command has. */
export const secretsOptions = ({ file, trust, ...flags }: FileFlags & AwsFlags) => ({
  ...(file !== undefined && { secretsFile: file }),
  ...(trust !== undefined && { trust }),
  ...awsOptions(flags),
})

export const awsOptions = ({ region, profile }: AwsFlags): { aws: AwsOptions } => ({
  aws: { ...(region !== undefined && { region }), ...(profile !== undefined && { profile }) },
})

/** An option that may be given several times. */
export const several = (value: string, previous: string[] = []) => [...previous, value]

/** `--context app=orders`, once for each pair. */
export function contextPair(
  text: string,
  previous: Record<string, string> = {},
): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Write it as NAME=VALUE.')
  const name = text.slice(0, at)
  if (Object.hasOwn(previous, name))
    throw new InvalidArgumentError(`${name} is given twice. Give each name once.`)
  return { ...previous, [name]: text.slice(at + 1) }
}

export const example = (command: Command, ...lines: string[]) =>
  command.addHelpText('after', `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)
