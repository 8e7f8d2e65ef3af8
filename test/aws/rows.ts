/** What a row's files and variables may name; `{a}`, `{b}`: two endpoints, `{dir}`: the row's folder. */
export interface Row {
  it: string
  env?: Record<string, string>
  config?: string
  credentials?: string
  /** Other files in the row's folder. */
  files?: Record<string, string>
  profile?: string
  region?: string
  /** `CALLER REGION` on endpoint a, `CALLER REGION b` on the other, or `fails`. */
  expect: string
  /** Why the installed `aws` (version 1) is not compared. */
  differs?: string
}

const keys = (user: string) =>
  `aws_access_key_id = {${user}.id}\naws_secret_access_key = {${user}.secret}\n`
const KEYS = (user: string) => ({
  AWS_ACCESS_KEY_ID: `{${user}.id}`,
  AWS_SECRET_ACCESS_KEY: `{${user}.secret}`,
})
const AT_A = { AWS_ENDPOINT_URL: '{a}' }
const US = { AWS_DEFAULT_REGION: 'us-east-1' }
const V1 = 'version 1 of the AWS CLI does not read AWS_REGION'

const TWO = `[default]\nregion = eu-west-1\nendpoint_url = {b}\n[profile dev]\nregion = us-east-1\nendpoint_url = {a}\n`
const TWO_KEYS = `[default]\n${keys('ci')}[dev]\n${keys('dev')}`
/** The other endpoint has a user of the same name, with other keys. */
const TWO_KEYS_B = `[default]\n${keys('elsewhere')}[dev]\n${keys('dev')}`
const process = (user: string) => ({
  'process.json': `{"Version":1,"AccessKeyId":"{${user}.id}","SecretAccessKey":"{${user}.secret}"}`,
})
const role = (extra: string) => `[profile dev]\nregion = us-east-1\nrole_arn = {role}\n${extra}`
const ASSUMED = 'role/deploy us-east-1'

/** Where the region comes from. */
export const REGIONS: Row[] = [
  {
    it: 'the region of the default profile',
    env: { ...AT_A, ...KEYS('dev') },
    config: '[default]\nregion = eu-west-1\n',
    expect: 'user/dev eu-west-1',
  },
  {
    it: 'AWS_DEFAULT_REGION before the profile',
    env: { ...AT_A, ...KEYS('dev'), ...US },
    config: '[default]\nregion = eu-west-1\n',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'AWS_DEFAULT_REGION before the profile of the flag',
    env: { ...AT_A, ...US },
    config: '[profile dev]\nregion = eu-west-1\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'AWS_REGION alone',
    env: { ...AT_A, ...KEYS('dev'), AWS_REGION: 'eu-west-1' },
    expect: 'user/dev eu-west-1',
    differs: V1,
  },
  {
    it: 'AWS_REGION before AWS_DEFAULT_REGION',
    env: { ...AT_A, ...KEYS('dev'), ...US, AWS_REGION: 'eu-west-1' },
    expect: 'user/dev eu-west-1',
    differs: V1,
  },
  {
    it: 'an empty AWS_REGION as unset',
    env: { ...AT_A, ...KEYS('dev'), ...US, AWS_REGION: '' },
    expect: 'user/dev us-east-1',
  },
  {
    it: '--region before AWS_DEFAULT_REGION',
    env: { ...AT_A, ...KEYS('dev'), ...US },
    region: 'eu-west-1',
    expect: 'user/dev eu-west-1',
  },
  {
    it: '--region before the profile of the flag',
    env: AT_A,
    config: TWO,
    credentials: TWO_KEYS,
    profile: 'dev',
    region: 'eu-central-1',
    expect: 'user/dev eu-central-1',
  },
  {
    it: 'the region of the profile of --profile',
    config: TWO,
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'the region of the profile of AWS_PROFILE',
    env: { AWS_PROFILE: 'dev' },
    config: TWO,
    credentials: TWO_KEYS,
    expect: 'user/dev us-east-1',
  },
  {
    it: 'the region of the profile of AWS_DEFAULT_PROFILE',
    env: { AWS_DEFAULT_PROFILE: 'dev' },
    config: TWO,
    credentials: TWO_KEYS,
    expect: 'user/dev us-east-1',
  },
  {
    it: 'AWS_DEFAULT_PROFILE before AWS_PROFILE',
    env: { AWS_DEFAULT_PROFILE: 'dev', AWS_PROFILE: 'default' },
    config: TWO,
    credentials: TWO_KEYS,
    expect: 'user/dev us-east-1',
  },
  {
    it: '--profile before AWS_PROFILE',
    env: { AWS_PROFILE: 'dev' },
    config: TWO,
    credentials: TWO_KEYS_B,
    profile: 'default',
    expect: 'user/ci eu-west-1 b',
  },
  {
    it: 'the default profile without any name',
    config: TWO,
    credentials: TWO_KEYS_B,
    expect: 'user/ci eu-west-1 b',
  },
  {
    it: 'an empty AWS_PROFILE as unset',
    env: { AWS_PROFILE: '' },
    config: TWO,
    credentials: TWO_KEYS_B,
    differs: 'an empty variable, as a CI leaves it, is a profile without a name there',
    expect: 'user/ci eu-west-1 b',
  },
  {
    it: 'the region in the credentials file before that in the config file',
    env: AT_A,
    config: '[default]\nregion = eu-west-1\n',
    credentials: `[default]\nregion = us-east-1\n${keys('dev')}`,
    expect: 'user/dev us-east-1',
  },
  { it: 'no region at all', env: { ...AT_A, ...KEYS('dev') }, expect: 'fails' },
  {
    it: 'a profile without a region, and not the region of default',
    env: AT_A,
    config: '[default]\nregion = eu-west-1\n[profile dev]\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'fails',
  },
  {
    it: 'a region that is not a valid name',
    env: { ...AT_A, ...KEYS('dev'), AWS_DEFAULT_REGION: 'us east 1/' },
    expect: 'fails',
  },
]

/** Whose credentials are used. */
export const IDENTITIES: Row[] = [
  {
    it: 'keys in the environment before AWS_PROFILE',
    env: { ...AT_A, ...US, ...KEYS('ci'), AWS_PROFILE: 'dev' },
    config: '[profile dev]\n',
    credentials: TWO_KEYS,
    expect: 'user/ci us-east-1',
  },
  {
    it: 'the region of AWS_PROFILE with keys in the environment',
    env: { ...KEYS('ci'), AWS_PROFILE: 'dev' },
    config: TWO,
    credentials: TWO_KEYS,
    expect: 'user/ci us-east-1',
  },
  {
    it: '--profile before keys in the environment',
    env: { ...AT_A, ...US, ...KEYS('ci') },
    config: TWO,
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'a session token in the environment',
    env: { ...AT_A, ...US, ...KEYS('session'), AWS_SESSION_TOKEN: '{session.token}' },
    expect: 'role/deploy us-east-1',
  },
  {
    it: 'AWS_SECURITY_TOKEN, the old name',
    env: { ...AT_A, ...US, ...KEYS('session'), AWS_SECURITY_TOKEN: '{session.token}' },
    expect: 'role/deploy us-east-1',
  },
  {
    it: 'a secret key that is missing',
    env: { ...AT_A, ...US, AWS_ACCESS_KEY_ID: '{ci.id}' },
    credentials: TWO_KEYS,
    expect: 'fails',
  },
  {
    it: 'an access key that is missing',
    env: { ...AT_A, ...US, AWS_SECRET_ACCESS_KEY: '{ci.secret}' },
    credentials: TWO_KEYS,
    expect: 'user/ci us-east-1',
  },
  {
    it: 'keys in the config file',
    env: AT_A,
    config: `[default]\nregion = us-east-1\n${keys('dev')}`,
    expect: 'user/dev us-east-1',
  },
  {
    it: 'keys in the credentials file before those in the config file',
    env: { ...AT_A, ...US },
    config: `[default]\n${keys('dev')}`,
    credentials: `[default]\n${keys('ci')}`,
    expect: 'user/ci us-east-1',
  },
  {
    it: 'a profile in the credentials file alone',
    env: { ...AT_A, ...US },
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'a profile that does not exist, by flag',
    env: { ...AT_A, ...US, ...KEYS('ci') },
    credentials: TWO_KEYS,
    profile: 'nobody',
    expect: 'fails',
  },
  {
    it: 'a profile that does not exist, by AWS_PROFILE, with keys in the environment',
    env: { ...AT_A, ...US, ...KEYS('ci'), AWS_PROFILE: 'nobody' },
    expect: 'fails',
  },
  {
    it: 'a role with a source profile',
    env: AT_A,
    config: role('source_profile = ci\n'),
    credentials: `[ci]\n${keys('ci')}`,
    profile: 'dev',
    expect: ASSUMED,
  },
  {
    it: 'a role of AWS_PROFILE',
    env: { ...AT_A, AWS_PROFILE: 'dev' },
    config: role('source_profile = ci\n'),
    credentials: `[ci]\n${keys('ci')}`,
    expect: ASSUMED,
  },
  {
    it: 'a role before keys of the same profile',
    env: AT_A,
    config: role('source_profile = ci\n'),
    credentials: TWO_KEYS.replace('default', 'ci'),
    profile: 'dev',
    expect: ASSUMED,
  },
  {
    it: 'a role with credential_source = Environment',
    env: { ...AT_A, ...KEYS('ci') },
    config: role('credential_source = Environment\n'),
    profile: 'dev',
    expect: ASSUMED,
  },
  {
    it: 'keys in the environment before a role of AWS_PROFILE',
    env: { ...AT_A, ...KEYS('ci'), AWS_PROFILE: 'dev' },
    config: role('source_profile = ci\n'),
    credentials: TWO_KEYS,
    expect: 'user/ci us-east-1',
  },
  {
    it: 'a chain of two roles',
    env: AT_A,
    config: `${role('source_profile = first\n')}[profile first]\nrole_arn = {first}\nsource_profile = ci\n`,
    credentials: `[ci]\n${keys('ci')}`,
    profile: 'dev',
    expect: ASSUMED,
  },
  {
    it: 'a role whose source profile does not exist',
    env: AT_A,
    config: role('source_profile = nobody\n'),
    profile: 'dev',
    expect: 'fails',
  },
  { it: 'a role without a source', env: AT_A, config: role(''), profile: 'dev', expect: 'fails' },
  {
    it: 'roles that name each other',
    env: AT_A,
    config: `${role('source_profile = first\n')}[profile first]\nrole_arn = {first}\nsource_profile = dev\n`,
    profile: 'dev',
    expect: 'fails',
  },
  {
    it: 'a web identity of the environment',
    env: { ...AT_A, ...US, AWS_WEB_IDENTITY_TOKEN_FILE: '{dir}/token', AWS_ROLE_ARN: '{web}' },
    files: { token: '{jwt}' },
    expect: 'role/web us-east-1',
  },
  {
    it: 'a web identity of the environment before keys of the default profile',
    env: { ...AT_A, ...US, AWS_WEB_IDENTITY_TOKEN_FILE: '{dir}/token', AWS_ROLE_ARN: '{web}' },
    files: { token: '{jwt}' },
    credentials: TWO_KEYS,
    expect: 'role/web us-east-1',
  },
  {
    it: 'a web identity of the profile',
    env: AT_A,
    config:
      '[profile dev]\nregion = us-east-1\nrole_arn = {web}\nweb_identity_token_file = {dir}/token\n',
    files: { token: '{jwt}' },
    profile: 'dev',
    expect: 'role/web us-east-1',
  },
  {
    it: '--profile before a web identity of the environment',
    env: { ...AT_A, ...US, AWS_WEB_IDENTITY_TOKEN_FILE: '{dir}/token', AWS_ROLE_ARN: '{web}' },
    files: { token: '{jwt}' },
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'a web identity whose token file is missing',
    env: { ...AT_A, ...US, AWS_WEB_IDENTITY_TOKEN_FILE: '{dir}/none', AWS_ROLE_ARN: '{web}' },
    expect: 'fails',
  },
  {
    it: 'a web identity without a role',
    env: { ...AT_A, ...US, AWS_WEB_IDENTITY_TOKEN_FILE: '{dir}/token' },
    files: { token: '{jwt}' },
    credentials: TWO_KEYS,
    expect: 'fails',
  },
  {
    it: 'a credential process',
    env: AT_A,
    config: '[default]\nregion = us-east-1\ncredential_process = cat {dir}/process.json\n',
    files: process('dev'),
    expect: 'user/dev us-east-1',
  },
  {
    it: 'a credential process before keys in the config file',
    env: AT_A,
    config: `[default]\nregion = us-east-1\ncredential_process = cat {dir}/process.json\n${keys('ci')}`,
    files: process('dev'),
    expect: 'user/dev us-east-1',
  },
  {
    it: 'keys in the credentials file before a credential process',
    env: AT_A,
    config: '[default]\nregion = us-east-1\ncredential_process = cat {dir}/process.json\n',
    files: process('dev'),
    credentials: TWO_KEYS,
    expect: 'user/ci us-east-1',
  },
  {
    it: 'a credential process that fails',
    env: AT_A,
    config: '[default]\nregion = us-east-1\ncredential_process = false\n',
    expect: 'fails',
  },
  {
    it: 'an SSO session',
    env: { ...AT_A, AWS_ENDPOINT_URL_SSO: '{sso}' },
    config:
      '[profile dev]\nregion = us-east-1\nsso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = deploy\n',
    profile: 'dev',
    expect: ASSUMED,
  },
  {
    it: 'an SSO session before keys of the profile',
    env: { ...AT_A, AWS_ENDPOINT_URL_SSO: '{sso}' },
    config:
      '[profile dev]\nregion = us-east-1\nsso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = deploy\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: ASSUMED,
  },
  {
    it: 'an SSO session that was never begun',
    env: { ...AT_A, AWS_ENDPOINT_URL_SSO: '{sso}' },
    config:
      '[profile dev]\nregion = us-east-1\nsso_start_url = https://other.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = deploy\n',
    profile: 'dev',
    expect: 'fails',
  },
  {
    it: "a container's credentials",
    env: {
      ...AT_A,
      ...US,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: '{sso}/container',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'authorized',
    },
    expect: ASSUMED,
  },
  {
    it: "keys of the profile before a container's credentials",
    env: {
      ...AT_A,
      ...US,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: '{sso}/container',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'authorized',
    },
    credentials: TWO_KEYS,
    expect: 'user/ci us-east-1',
  },
  { it: 'no credentials at all', env: { ...AT_A, ...US }, expect: 'fails' },
]

/** Which endpoint is asked. */
export const ENDPOINTS: Row[] = [
  {
    it: 'AWS_ENDPOINT_URL_KMS before AWS_ENDPOINT_URL',
    env: { ...US, ...KEYS('dev'), AWS_ENDPOINT_URL: '{b}', AWS_ENDPOINT_URL_KMS: '{a}' },
    expect: 'user/dev us-east-1',
  },
  {
    it: 'AWS_ENDPOINT_URL before endpoint_url of the profile',
    env: { ...AT_A, ...US, ...KEYS('dev') },
    config: '[default]\nendpoint_url = {b}\n',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'the services section of the profile of the flag',
    env: US,
    config:
      '[profile dev]\nservices = mine\nendpoint_url = {b}\n[services mine]\nkms =\n  endpoint_url = {a}\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'the services section of another service',
    env: US,
    config:
      '[profile dev]\nservices = mine\nendpoint_url = {a}\n[services mine]\ns3 =\n  endpoint_url = {b}\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'a services section that does not exist',
    env: US,
    config: '[profile dev]\nservices = mine\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'fails',
  },
  {
    it: 'AWS_ENDPOINT_URL before a services section',
    env: { ...US, ...AT_A },
    config: '[profile dev]\nservices = mine\n[services mine]\nkms =\n  endpoint_url = {b}\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'user/dev us-east-1',
  },
  {
    it: 'a role assumed at the endpoint of the profile',
    env: {},
    config: role('source_profile = ci\nendpoint_url = {a}\n'),
    credentials: `[ci]\n${keys('ci')}`,
    profile: 'dev',
    expect: ASSUMED,
  },
  {
    it: 'FIPS together with an endpoint',
    env: { ...AT_A, ...US, ...KEYS('dev'), AWS_USE_FIPS_ENDPOINT: 'true' },
    expect: 'user/dev us-east-1',
  },
  {
    it: 'an endpoint that is not a URL',
    env: { ...US, ...KEYS('dev'), AWS_ENDPOINT_URL: 'localhost' },
    expect: 'fails',
  },
]

/** Which host a request goes to: what a proxy is asked to connect to, `none` if it is not asked. */
export const HOSTS: Row[] = [
  { it: 'the host of the region', env: US, expect: 'kms.us-east-1.amazonaws.com:443' },
  {
    it: 'the host of a region in China',
    env: { AWS_DEFAULT_REGION: 'cn-north-1' },
    expect: 'kms.cn-north-1.amazonaws.com.cn:443',
  },
  {
    it: 'FIPS by the environment',
    env: { ...US, AWS_USE_FIPS_ENDPOINT: 'true' },
    expect: 'kms-fips.us-east-1.amazonaws.com:443',
  },
  {
    it: 'FIPS by the profile of the flag',
    config: '[profile dev]\nregion = us-west-2\nuse_fips_endpoint = true\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'kms-fips.us-west-2.amazonaws.com:443',
  },
  {
    it: 'FIPS of the profile turned off by the environment',
    env: { AWS_USE_FIPS_ENDPOINT: 'false' },
    config: '[profile dev]\nregion = us-west-2\nuse_fips_endpoint = true\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'kms.us-west-2.amazonaws.com:443',
  },
  {
    it: 'dual-stack by the environment',
    env: { ...US, AWS_USE_DUALSTACK_ENDPOINT: 'true' },
    expect: 'kms.us-east-1.api.aws:443',
  },
  {
    it: 'dual-stack by the profile',
    config: '[profile dev]\nregion = us-west-2\nuse_dualstack_endpoint = true\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'kms.us-west-2.api.aws:443',
  },
  {
    it: 'FIPS and dual-stack',
    env: { ...US, AWS_USE_FIPS_ENDPOINT: 'TRUE', AWS_USE_DUALSTACK_ENDPOINT: 'true' },
    expect: 'kms-fips.us-east-1.api.aws:443',
  },
  {
    it: 'configured endpoints that are ignored',
    env: { ...US, AWS_ENDPOINT_URL: '{a}', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
    expect: 'kms.us-east-1.amazonaws.com:443',
  },
  {
    it: 'configured endpoints that the profile ignores',
    env: { AWS_ENDPOINT_URL: '{a}' },
    config: '[profile dev]\nregion = us-east-1\nignore_configured_endpoint_urls = true\n',
    credentials: TWO_KEYS,
    profile: 'dev',
    expect: 'kms.us-east-1.amazonaws.com:443',
  },
  {
    it: 'NO_PROXY with a parent domain',
    env: { ...US, NO_PROXY: 'example.com, amazonaws.com' },
    expect: 'none',
  },
  {
    it: 'NO_PROXY with a leading dot',
    env: { ...US, NO_PROXY: '.us-east-1.amazonaws.com' },
    expect: 'none',
  },
  {
    it: 'NO_PROXY with the host',
    env: { ...US, no_proxy: 'KMS.us-east-1.amazonaws.com' },
    expect: 'none',
  },
  {
    it: 'NO_PROXY with a part of a name',
    env: { ...US, NO_PROXY: 'zonaws.com' },
    expect: 'kms.us-east-1.amazonaws.com:443',
  },
  { it: 'NO_PROXY with a star', env: { ...US, NO_PROXY: '*' }, expect: 'none' },
  {
    it: 'NO_PROXY with another port',
    env: { ...US, NO_PROXY: 'kms.us-east-1.amazonaws.com:8443' },
    expect: 'kms.us-east-1.amazonaws.com:443',
  },
  {
    it: 'an empty https_proxy before HTTPS_PROXY',
    env: { ...US, https_proxy: '' },
    expect: 'none',
  },
  {
    it: 'ALL_PROXY, which is not read',
    env: { ...US, HTTPS_PROXY: '', ALL_PROXY: '{proxy}' },
    expect: 'none',
  },
]
