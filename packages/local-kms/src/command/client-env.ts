/** Variables that would make a client use other credentials, or treat ours as expired. */
const REMOVED = [
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
]

/** Overrides settings of the AWS configuration file that would bypass the endpoint. */
const OVERRIDES = {
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false',
  AWS_USE_FIPS_ENDPOINT: 'false',
  AWS_USE_DUALSTACK_ENDPOINT: 'false',
}

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']

/** Returns the variables to set so that clients use the local KMS. undefined: unset the variable. */
export function clientEnv(
  env: Readonly<Record<string, string>>,
  inherited: NodeJS.ProcessEnv,
): Record<string, string | undefined> {
  const removed = REMOVED.filter((name) => inherited[name] !== undefined)
  return {
    ...Object.fromEntries(removed.map((name) => [name, undefined])),
    ...OVERRIDES,
    ...(PROXIES.some((name) => inherited[name]) && withoutProxy(inherited, env)),
    ...env,
  }
}

/** Excludes the endpoint from the proxy: many clients also send loopback requests to it. */
function withoutProxy(
  { no_proxy: lower, NO_PROXY: upper }: NodeJS.ProcessEnv,
  { AWS_ENDPOINT_URL_KMS: endpoint = '' }: Readonly<Record<string, string>>,
) {
  const hosts = [lower || upper, new URL(endpoint).hostname].filter(Boolean).join(',')
  return { no_proxy: hosts, NO_PROXY: hosts }
}

/** Returns `export` and `unset` lines for a shell. */
export function shellLines(env: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(env)
    .map(([name, value]) =>
      value === undefined ? `unset ${name}\n` : `export ${name}=${quote(value)}\n`,
    )
    .join('')
}

const quote = (value: string): string =>
  /^[\w.,:/+=-]*$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`
