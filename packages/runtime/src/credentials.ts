import { readFileSync } from 'node:fs'
import { fail } from './error.js'
import { send } from './send.js'
import { shared } from './shared.js'
import type { Credentials } from './sign.js'

// ECS; EKS over IPv4 and IPv6.
const HOSTS = ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]']

let kept: Credentials
let keptUntil = 0

/** From `configure`, else the environment, else the container endpoint (ECS, EKS, SnapStart). */
export async function credentials(signal: AbortSignal): Promise<Credentials> {
  const own = shared().credentials
  if (own) return own(signal)
  const {
    AWS_ACCESS_KEY_ID: id,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_SESSION_TOKEN: session,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: full,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
  } = process.env
  if (id && secret) return [id, secret, session]
  if (Date.now() < keptUntil) return kept
  const uri = relative ? `http://${HOSTS[0]}${relative}` : full
  if (!uri) fail('CREDENTIALS_MISSING', 'no AWS credentials')
  // Read each time: EKS replaces the file before the token expires.
  const authorization = file ? readFileSync(file, 'utf8').trim() : token
  const [{ statusCode }, answer] = await send(new URL(uri), { headers: authorization ? { authorization } : {}, signal }, '', HOSTS)
  if (!answer.SecretAccessKey) throw new Error(`${uri}: ${statusCode}`)
  keptUntil = Date.parse(answer.Expiration) - 60_000
  return (kept = [answer.AccessKeyId, answer.SecretAccessKey, answer.Token])
}
