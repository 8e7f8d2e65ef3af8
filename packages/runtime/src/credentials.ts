import type { Failure } from './error.js'
import { LATIN1 } from './hmac.js'
import { send } from './send.js'
import { shared } from './shared.js'
import type { Credentials } from './sign.js'

/** Returns the environment variable of AWS with this name, less its prefix. */
export const awsEnv = (name: string) => Reflect.get(process, 'env')['AWS_' + name]

let cached: Credentials | undefined

/** Returns the credentials of `configure`, else of the environment, else of the container endpoint. */
export async function credentials(signal: AbortSignal): Promise<Credentials> {
  const configured = shared().credentials
  if (configured) return configured(signal)
  const AccessKeyId = awsEnv('ACCESS_KEY_ID')
  const SecretAccessKey = awsEnv('SECRET_ACCESS_KEY')
  if (AccessKeyId && SecretAccessKey) {
    return { AccessKeyId, SecretAccessKey, Token: awsEnv('SESSION_TOKEN') }
  }
  if (Date.parse(cached?.Expiration as string) > Date.now() + 60_000) return cached!
  const relative = awsEnv('CONTAINER_CREDENTIALS_RELATIVE_URI')
  const uri = relative
    ? 'http://169.254.170.2' + relative
    : awsEnv('CONTAINER_CREDENTIALS_FULL_URI')
  if (!uri) throw { code: 'CREDENTIALS_MISSING', why: 'no credentials' } satisfies Failure
  const file = awsEnv('CONTAINER_AUTHORIZATION_TOKEN_FILE')
  // The file is replaced before its token expires, so it is read each time.
  const authorization = file
    ? process.getBuiltinModule('fs').readFileSync(file, LATIN1).trim()
    : awsEnv('CONTAINER_AUTHORIZATION_TOKEN')
  const [answer, { statusCode }] = await send(
    new URL(uri),
    (authorization && { authorization }) as {},
    signal,
  )
  if (!answer.SecretAccessKey) throw new Error(`${uri}: ${statusCode}`)
  return (cached = answer)
}
