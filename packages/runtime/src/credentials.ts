import type { Failure } from './error.js'
import { send } from './send.js'
import { shared } from './shared.js'
import type { Credentials } from './sign.js'

/** Where AWS's SDKs let credentials come from over plain http, loopback aside: ECS, EKS, EKS on IPv6. */
const HOSTS = ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]']

let kept: (Credentials & { Expiration: string }) | undefined

/** From `configure`, else the environment, else the container endpoint. */
export async function credentials(signal: AbortSignal): Promise<Credentials> {
  const own = shared().credentials
  if (own) return own(signal)
  const {
    AWS_ACCESS_KEY_ID: AccessKeyId,
    AWS_SECRET_ACCESS_KEY: SecretAccessKey,
    AWS_SESSION_TOKEN: Token,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: full,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
  } = process.env
  if (AccessKeyId && SecretAccessKey) return { AccessKeyId, SecretAccessKey, Token }
  if (kept && Date.parse(kept.Expiration) > Date.now() + 60_000) return kept
  const uri = relative ? `http://${HOSTS[0]}${relative}` : full
  if (!uri) throw { code: 'CREDENTIALS_MISSING', why: 'no AWS credentials' } satisfies Failure
  // The file is replaced before its token expires, so it is read each time; node:fs is loaded for it alone.
  const authorization = file ? (await import('node:fs')).readFileSync(file, 'utf8').trim() : token
  const [answer, { statusCode }] = await send(
    new URL(uri),
    authorization ? { authorization } : {},
    signal,
    HOSTS,
  )
  if (!answer.SecretAccessKey) throw new Error(`${uri}: ${statusCode}`)
  return (kept = answer)
}
