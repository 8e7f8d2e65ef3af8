import { cachedProvider, missing, type ExpiringIdentity } from './cached-provider.js'
import type { CredentialProvider } from './configure.js'
import { environment } from './environment.js'
import { hostIn } from './host.js'
import { send } from './send.js'

export type { CredentialIdentity, CredentialProvider } from './configure.js'

export interface TokenFileOptions {
  /** The file that contains the token. Default AWS_WEB_IDENTITY_TOKEN_FILE. */
  webIdentityTokenFile?: string
  /** The ARN of the role to assume. Default AWS_ROLE_ARN. */
  roleArn?: string
  /** The name of the session, which CloudTrail shows. Default AWS_ROLE_SESSION_NAME, else `unplugin-kms`. */
  roleSessionName?: string
  /** The region of STS. Default AWS_REGION or AWS_DEFAULT_REGION. */
  region?: string
  /** How long the request may take, in milliseconds. Default 2000. */
  timeoutMs?: number
}

/**
 * Returns a provider that exchanges a web identity token for the credentials of a role, as IAM roles
 * for service accounts (IRSA) in EKS. The file is read each time, since it is replaced before its
 * token expires.
 *
 * @param options see {@link TokenFileOptions}
 * @returns the provider, for `configure`
 * @example
 * ```ts
 * import { configure } from 'unplugin-kms/runtime'
 * import { fromTokenFile } from 'unplugin-kms/credentials/web-identity'
 *
 * configure({ credentials: fromTokenFile() })
 * ```
 */
export function fromTokenFile(options: TokenFileOptions = {}): CredentialProvider {
  return cachedProvider(() => assumeRole(options))
}

async function assumeRole(options: TokenFileOptions): Promise<ExpiringIdentity> {
  const env = environment()
  const file = options.webIdentityTokenFile ?? env.AWS_WEB_IDENTITY_TOKEN_FILE
  const role = options.roleArn ?? env.AWS_ROLE_ARN
  const region = options.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION)
  if (!file) throw missing('AWS_WEB_IDENTITY_TOKEN_FILE is not set')
  if (!role) throw missing('AWS_ROLE_ARN is not set')
  if (!region) throw missing('AWS_REGION is not set, which selects the endpoint of STS')
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: options.roleSessionName ?? (env.AWS_ROLE_SESSION_NAME || 'unplugin-kms'),
    WebIdentityToken: readToken(file),
  })
  const url = endpointOf(region)
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(String(form)),
    host: url.host,
  }
  const signal = AbortSignal.timeout(options.timeoutMs ?? 2000)
  const [answer, { statusCode = 0 }] = await send(url, headers, signal, String(form))
  return identityOf(String(answer), statusCode, role)
}

function readToken(file: string): string {
  try {
    const token = process.getBuiltinModule('fs').readFileSync(file, 'utf8').trim()
    if (token) return token
  } catch (error: any) {
    throw missing(`AWS_WEB_IDENTITY_TOKEN_FILE: ${error.message}`)
  }
  throw missing(`AWS_WEB_IDENTITY_TOKEN_FILE: ${file} is empty`)
}

function endpointOf(region: string): URL {
  const env = environment()
  const isOn = (name: string) => /^true$/i.test(env[`AWS_${name}`] ?? '')
  if (!isOn('IGNORE_CONFIGURED_ENDPOINT_URLS')) {
    const configured = env.AWS_ENDPOINT_URL_STS || env.AWS_ENDPOINT_URL
    if (configured) return new URL(configured)
  }
  const fips = isOn('USE_FIPS_ENDPOINT') ? 'sts-fips.' : 'sts.'
  const host = hostIn(region).replace('kms.', fips)
  return new URL(
    `https://${isOn('USE_DUALSTACK_ENDPOINT') ? host.replace(/amazonaws\.com$/, 'api.aws') : host}`,
  )
}

/** Reads the credentials from the XML of STS. None of its fields contains an escaped character. */
function identityOf(xml: string, status: number, role: string): ExpiringIdentity {
  const field = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? ''
  const [accessKeyId, secretAccessKey] = [field('AccessKeyId'), field('SecretAccessKey')]
  if (!accessKeyId || !secretAccessKey) {
    const code = field('Code')
    const why = `sts:AssumeRoleWithWebIdentity of ${role}: ${status} ${code} ${field('Message')}`
    // Other errors of STS, such as throttling, may pass.
    if (/^(AccessDenied|InvalidIdentityToken|ExpiredToken|ValidationError|Malformed)/.test(code)) {
      throw missing(why)
    }
    throw new Error(why)
  }
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: field('SessionToken'),
    expiration: new Date(field('Expiration')),
  }
}
