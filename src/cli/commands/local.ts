/**
 * `local`, which parses its own arguments: the command to run comes after --.
 *
 * @returns the exit code.
 */
export async function local(argv: string[]): Promise<number> {
  const { runLocal } = await import('@unplugin-kms/local-kms')
  return runLocal(argv)
}
