import type { KmsSecretError } from '@unplugin-kms/runtime'

/** Returns the facts of an error as the shim throws them below `secret`, which makes an error of them. */
export function failureOf(error: unknown): unknown {
  const { message, code, secret: label, keyArn, kmsError, requestId } = error as KmsSecretError
  if (typeof code !== 'string' || 'why' in (error as object)) return error
  const end = ` [${code}]`
  let why = message.endsWith(end) ? message.slice(0, -end.length) : message
  if (why.startsWith(`${label}: `)) why = why.slice(label.length + 2)
  return { code, why, ...(keyArn && { keyArn }), ...(kmsError && { kmsError, requestId }) }
}
