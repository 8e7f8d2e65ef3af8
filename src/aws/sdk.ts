import { createRequire } from 'node:module'

let requireSdk: NodeJS.Require | undefined

/**
 * Lets `loadSdk` use `require`, from the module at this URL. For plugins and commands: code that users
 * bundle needs `import()`, which their bundler follows.
 */
export const requireSdkFrom = (url: string): void => void (requireSdk = createRequire(url))

/**
 * Loads a package of the AWS SDK. They are CommonJS: `import()` also parses them for the names of their
 * exports, and takes twice the CPU time of `require`.
 *
 * @param imported imports the same package.
 */
export const loadSdk = async <T>(packageName: string, imported: () => Promise<T>): Promise<T> =>
  requireSdk ? (requireSdk(packageName) as T) : imported()

export const clientKms = () => loadSdk('@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'))

export const clientSts = () => loadSdk('@aws-sdk/client-sts', () => import('@aws-sdk/client-sts'))
