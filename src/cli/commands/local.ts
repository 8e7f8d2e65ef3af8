/**
 * `local`, which reads its own arguments: what stands behind -- is the command that it runs.
 *
 * @returns the exit code.
 */
export async function local(argv: string[]): Promise<number> {
  const { runLocal } = await import('@unplugin-kms/local-kms')
  return runLocal(argv)
}
