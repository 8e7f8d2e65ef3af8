import { whileAsking } from '../util/progress-line.js'
import { credentialsError } from './aws-error.js'

type Ask = (serialNumber: string) => Promise<string>

let ask: Ask = askOnTerminal

/** Replaces the terminal in a thread that has none. */
export function askMfaCodeWith(other: Ask): void {
  ask = other
}

/**
 * Asks for the code of an MFA device.
 *
 * @param serialNumber the device's ARN: the profile's `mfa_serial`.
 * @throws an Error named `CredentialsProviderError` if there is no terminal.
 */
export const askMfaCode: Ask = (serialNumber) => ask(serialNumber)

async function askOnTerminal(serialNumber: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw credentialsError(
      `the profile requires a code of the MFA device ${serialNumber}, and there is no terminal to ask at. ` +
        'Run aws sts get-session-token on a terminal and pass its credentials to the build; in CI, assume a role with a web identity',
    )
  }
  const { isCancel, text } = await import('@clack/prompts')
  const code = await whileAsking(() =>
    text({
      message: `Code of the MFA device ${serialNumber}`,
      output: process.stderr,
      validate: (typed) => (/^\d{6}$/.test(typed ?? '') ? undefined : 'six digits'),
    }),
  )
  if (isCancel(code)) throw credentialsError(`no code of the MFA device ${serialNumber} was given.`)
  return code
}
