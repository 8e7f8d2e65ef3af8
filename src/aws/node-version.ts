import { loadSdk } from './sdk.js'

const MUTE = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'

/**
 * Keeps the AWS SDK from printing eight lines about future Node versions in every build and command.
 * The variable is set only while the SDK decides about its warning, which it does once per process.
 */
export async function muteNodeVersionWarning(): Promise<void> {
  const { emitWarningIfUnsupportedVersion } = await loadSdk(
    '@aws-sdk/core/client',
    () => import('@aws-sdk/core/client'),
  )
  const before = process.env[MUTE]
  process.env[MUTE] = 'true'
  emitWarningIfUnsupportedVersion(process.version)
  if (before === undefined) delete process.env[MUTE]
  else process.env[MUTE] = before
}
