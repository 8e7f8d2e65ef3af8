/**
 * Asks on the terminal for the code of an MFA device.
 *
 * @param serialNumber the device's ARN, as the profile's `mfa_serial` has it.
 * @throws an error of the SDK's own name for missing credentials, where nobody can be asked.
 */
export async function askMfaCode(serialNumber: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw noCredentials(
      `the profile wants a code of the MFA device ${serialNumber}, and there is no terminal to ask at. ` +
        'Sign in where there is one (aws sts get-session-token), and give the build those credentials; in CI assume a role by web identity.',
    )
  }
  const { isCancel, text } = await import('@clack/prompts')
  const code = await text({
    message: `Code of the MFA device ${serialNumber}`,
    output: process.stderr,
    validate: (typed) => (/^\d{6}$/.test(typed ?? '') ? undefined : 'six digits'),
  })
  if (isCancel(code)) throw noCredentials(`no code of the MFA device ${serialNumber} was given.`)
  return code
}

const noCredentials = (message: string) =>
  Object.assign(new Error(message), { name: 'CredentialsProviderError', tryNextLink: false })
