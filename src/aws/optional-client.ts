import { KmsBuildError } from '../errors.js'
import { installCommand } from '../util/install-command.js'
import { loadSdk } from './sdk.js'

/**
 * Loads an AWS client that is an optional peer dependency.
 *
 * @param purpose what it does for the user: `reads parameters`.
 * @throws KmsBuildError AWS_CLIENT_MISSING if it is not installed, with the command that installs it.
 */
export async function optionalClient<T>(
  packageName: string,
  purpose: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await loadSdk(packageName, load)
  } catch (error) {
    if (!isMissing(error, packageName)) throw error
    throw missingClients([packageName], purpose, error)
  }
}

/**
 * Checks that several optional clients are installed.
 *
 * @param clients functions that load the clients, by package name.
 * @throws KmsBuildError AWS_CLIENT_MISSING that names all missing ones.
 */
export async function checkOptionalClients(
  clients: Record<string, () => Promise<unknown>>,
  purpose: string,
): Promise<void> {
  const missing = await Promise.all(
    Object.entries(clients).map(([packageName, load]) =>
      load().then(
        () => [],
        (error: unknown) => {
          if (isMissing(error, packageName)) return [packageName]
          throw error
        },
      ),
    ),
  )
  if (missing.flat().length) throw missingClients(missing.flat(), purpose)
}

/** Returns whether the package itself is missing. A missing dependency is an incomplete install. */
function isMissing(error: unknown, packageName: string): boolean {
  const { code = '', message } = error as NodeJS.ErrnoException
  // The lines after the first name the packages that required it.
  return code.endsWith('_NOT_FOUND') && message.split('\n')[0]!.includes(packageName)
}

const missingClients = (packageNames: string[], purpose: string, cause?: unknown) =>
  new KmsBuildError(
    'AWS_CLIENT_MISSING',
    `${packageNames.join(' and ')} ${purpose}, and ${packageNames.length > 1 ? 'are' : 'is'} not installed. Run: ${installCommand(packageNames.join(' '))}`,
    undefined,
    { cause },
  )
