import { cachedProvider, missing, type ExpiringIdentity } from './cached-provider.js'
import { environment } from './environment.js'
import type { CredentialProvider } from './configure.js'

export type { CredentialIdentity, CredentialProvider } from './configure.js'

const CREDENTIALS = '/latest/meta-data/iam/security-credentials/'

export interface InstanceMetadataOptions {
  /** How long one request may take, in milliseconds. Default 1000. */
  timeoutMs?: number
}

/**
 * Returns a provider of the credentials of an EC2 instance, from its metadata service (IMDSv2 only).
 * Respects AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT and
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE. Never uses a proxy.
 *
 * @param options see {@link InstanceMetadataOptions}
 * @returns the provider, for `configure`
 * @example
 * ```ts
 * import { configure } from 'unplugin-kms/runtime'
 * import { fromInstanceMetadata } from 'unplugin-kms/credentials/imds'
 *
 * configure({ credentials: fromInstanceMetadata() })
 * ```
 */
export function fromInstanceMetadata({
  timeoutMs = 1000,
}: InstanceMetadataOptions = {}): CredentialProvider {
  return cachedProvider(async () => {
    if (/^true$/i.test(environment().AWS_EC2_METADATA_DISABLED ?? '')) {
      throw missing('AWS_EC2_METADATA_DISABLED is set')
    }
    const token = await request('PUT', '/latest/api/token', timeoutMs, {
      'x-aws-ec2-metadata-token-ttl-seconds': '21600',
    })
    const headers = { 'x-aws-ec2-metadata-token': token }
    const [role] = (await request('GET', CREDENTIALS, timeoutMs, headers)).split('\n')
    if (!role) throw missing('the instance has no role')
    return identityOf(await request('GET', CREDENTIALS + role.trim(), timeoutMs, headers))
  })
}

function identityOf(body: string): ExpiringIdentity {
  let answer: Record<string, unknown> = {}
  try {
    // Object(): the answer may be any JSON.
    answer = Object(JSON.parse(body))
  } catch {
    // V8's own error would quote the answer.
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration, Code } = answer
  if (
    typeof AccessKeyId !== 'string' ||
    typeof SecretAccessKey !== 'string' ||
    typeof Token !== 'string' ||
    typeof Expiration !== 'string'
  ) {
    throw new Error(`the instance metadata service returned no credentials (${String(Code)})`)
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: Token,
    expiration: new Date(Expiration),
  }
}

/** The address of the metadata service. */
function endpoint(): string {
  const {
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: mode = 'IPv4',
  } = environment()
  return (
    url || (mode.toLowerCase() === 'ipv6' ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254')
  )
}

/** Sends one request, and returns the body of a successful answer. */
function request(
  method: 'GET' | 'PUT',
  path: string,
  timeoutMs: number,
  headers: Record<string, string>,
): Promise<string> {
  const url = new URL(path, endpoint())
  const signal = AbortSignal.timeout(timeoutMs)
  const secure = url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      const reason = signal.aborted
        ? `no answer within ${timeoutMs} ms. In a container, the hop limit of the instance must be 2`
        : error.message
      reject(new Error(`instance metadata service at ${url.host}: ${reason}`))
    }
    process
      .getBuiltinModule(secure ? 'https' : 'http')
      // `agent: false` goes past the proxy of NODE_USE_ENV_PROXY.
      .request(url, { method, headers, signal, agent: false }, (answer) => {
        let body = ''
        answer
          .setEncoding('utf8')
          .on('data', (part) => (body += part))
          .on('error', fail)
          .on('end', () => {
            const { statusCode = 0 } = answer
            if (statusCode === 404) reject(missing(`the instance has no role (${path})`))
            else if (statusCode === 200) resolve(body)
            else fail(new Error(`${method} ${path} answered ${statusCode}`))
          })
      })
      .on('error', fail)
      .end()
  })
}
