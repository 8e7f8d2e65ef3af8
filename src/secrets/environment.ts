import { isUtf8 } from 'node:buffer'
import { KmsBuildError } from '../errors.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { getSecrets } from './get.js'

/** Variables that change which code a program runs. Anyone who can edit the secrets file can add one. */
const UNSAFE =
  /^(?:PATH|HOME|SHELL|IFS|ENV|BASH_ENV|PS4|PROMPT_COMMAND|NODE_OPTIONS|NODE_PATH|NODE_EXTRA_CA_CERTS|LD_.*|DYLD_.*|PYTHON(?:PATH|STARTUP|HOME)|PERL5(?:OPT|LIB)|RUBY(?:OPT|LIB)|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|GIT_.*|EDITOR|VISUAL|PAGER|npm_config_.*)$/i

/**
 * Decrypts entries for the environment of a child process, with one kms:Decrypt.
 *
 * @param only the names to decrypt. By default all that can be a variable.
 * @returns the variables, and the names that were left out.
 * @throws KmsBuildError NAME_INVALID for a name of `only` that cannot be a variable, and what
 *   `getSecrets` throws.
 */
export async function environmentOf(
  only: string[] | undefined,
  options: SecretsOptions = {},
): Promise<{ variables: Record<string, string>; skipped: string[] }> {
  const names = only ?? [...(await existingSecretsFile(options)).secrets.keys()]
  const skipped: string[] = []
  const skip = (name: string, reason: string) => {
    if (only)
      throw new KmsBuildError(
        'NAME_INVALID',
        `${name} cannot be an environment variable: ${reason}. Rename it, or leave it out of --only.`,
      )
    skipped.push(name)
  }
  const wanted = names.filter((name) => {
    if (!/^[A-Za-z_]\w*$/.test(name))
      skip(name, 'its name has other characters than A-Z, 0-9 and _')
    else if (UNSAFE.test(name) && !only) skipped.push(name)
    else return true
    return false
  })
  const variables: Record<string, string> = {}
  for (const [name, bytes] of wanted.length ? await getSecrets(wanted, options) : []) {
    const value = Buffer.from(bytes)
    if (!isUtf8(value) || value.includes(0)) skip(name, 'its value is not text, or has a NUL')
    else variables[name] = value.toString()
  }
  return { variables, skipped }
}
