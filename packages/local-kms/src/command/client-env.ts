/** Variables that would give a client other credentials than ours, or say that ours are expired. */
const MISLEADING = [
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
]

/** What AWS's configuration file may say for want of a variable, and no endpoint of ours outlives. */
const DETOURS = {
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false',
  AWS_USE_FIPS_ENDPOINT: 'false',
  AWS_USE_DUALSTACK_ENDPOINT: 'false',
}

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']

/** The variables that change for a client to find the local KMS alone; undefined for one that goes. */
export function clientEnv(
  env: Readonly<Record<string, string>>,
  inherited: NodeJS.ProcessEnv,
): Record<string, string | undefined> {
  const gone = MISLEADING.filter((name) => inherited[name] !== undefined)
  return {
    ...Object.fromEntries(gone.map((name) => [name, undefined])),
    ...DETOURS,
    ...(PROXIES.some((name) => inherited[name]) && withoutProxy(inherited, env)),
    ...env,
  }
}

/** Many clients send even what is for loopback to a proxy, unless told not to. */
function withoutProxy(
  { no_proxy: lower, NO_PROXY: upper }: NodeJS.ProcessEnv,
  { AWS_ENDPOINT_URL_KMS: endpoint = '' }: Readonly<Record<string, string>>,
) {
  const hosts = [lower || upper, new URL(endpoint).hostname].filter(Boolean).join(',')
  return { no_proxy: hosts, NO_PROXY: hosts }
}

/** As lines for a shell. */
export function shellLines(env: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(env)
    .map(([name, value]) =>
      value === undefined ? `unset ${name}\n` : `export ${name}=${quote(value)}\n`,
    )
    .join('')
}

const quote = (value: string): string =>
  /^[\w.,:/+=-]*$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`
