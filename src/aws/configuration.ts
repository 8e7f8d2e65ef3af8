import { loadSharedConfigFiles } from '@smithy/core/config'
import type { AwsOptions } from '../options/types.js'
import { homeFolder } from '../util/home-folder.js'
import { configurationError } from './aws-error.js'
import { optionName } from './option-name.js'

type Environment = Record<string, string | undefined>

/** One profile, merged from AWS's two files as the AWS CLI merges them. */
export type Profile = Record<string, string | undefined>

/** An endpoint that replaces AWS's own, and the setting that names it. */
export interface Endpoint {
  url: string
  from: string
}

/** The AWS settings, merged from the options, the environment and AWS's configuration files. */
export interface AwsConfiguration {
  /** The profile's name; `default` unless an option or a variable names one. */
  profileName: string
  /** Whether an option names the profile. If so, credentials in the environment are ignored. */
  isProfileExplicit: boolean
  profile: Profile
  /** The profile's settings in the credentials file only. Some take precedence over other sources. */
  credentialsFileProfile: Profile
  /** Undefined if nothing sets a region. */
  region: string | undefined
  fips: boolean
  dualstack: boolean
  /** Path of the certificate authorities to trust, in PEM, and the setting that names it. */
  caBundle: { path: string; from: string } | undefined
  /**
   * Returns the endpoint that replaces AWS's own for a service, if any.
   *
   * @param service the SDK's service id: `KMS`, `Secrets Manager`.
   * @throws an Error named `AwsConfigurationError` if the profile's `services` section is missing.
   */
  endpointOf: (service: string) => Endpoint | undefined
  /** Throws an Error named `AwsConfigurationError` if the profile does not exist. */
  checkProfile: () => void
}

const known = new WeakMap<AwsOptions, Promise<AwsConfiguration>>()

/** Reads the configuration, once per options object. */
export function configurationOf(aws: AwsOptions): Promise<AwsConfiguration> {
  let configuration = known.get(aws)
  if (!configuration) known.set(aws, (configuration = readConfiguration(aws, process.env)))
  return configuration
}

async function readConfiguration(aws: AwsOptions, env: Environment): Promise<AwsConfiguration> {
  // The AWS CLI prefers AWS_DEFAULT_PROFILE, which the SDK does not read.
  const named = aws.profile ?? (env.AWS_DEFAULT_PROFILE || env.AWS_PROFILE || undefined)
  const profileName = named ?? 'default'
  const { configFile, credentialsFile } = await readFiles()
  const credentialsFileProfile = credentialsFile[profileName] ?? {}
  const profile = { ...configFile[profileName], ...credentialsFileProfile }
  return {
    profileName,
    isProfileExplicit: aws.profile !== undefined,
    profile,
    credentialsFileProfile,
    region: aws.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || profile.region || undefined),
    fips: aws.fips ?? isTrue(env.AWS_USE_FIPS_ENDPOINT || profile.use_fips_endpoint),
    dualstack:
      aws.dualstack ?? isTrue(env.AWS_USE_DUALSTACK_ENDPOINT || profile.use_dualstack_endpoint),
    caBundle: caBundleOf(env, profile, profileName),
    endpointOf: (service) =>
      aws.endpoint === undefined
        ? configuredEndpoint(service, env, profile, configFile)
        : { url: aws.endpoint, from: 'the option aws.endpoint' },
    checkProfile() {
      if (named === undefined || profileName in configFile || profileName in credentialsFile) return
      const from =
        aws.profile !== undefined
          ? optionName('profile')
          : env.AWS_DEFAULT_PROFILE
            ? 'AWS_DEFAULT_PROFILE'
            : 'AWS_PROFILE'
      throw configurationError(
        `there is no profile ${profileName} in AWS's configuration files, and ${from} names it. List the profiles with: aws configure list-profiles`,
      )
    },
  }
}

/** Reads `~/.aws/config` and `~/.aws/credentials`, or the files that variables name instead. */
async function readFiles() {
  const home = homeFolder()
  // Without a home folder the SDK throws for every setting, unless a variable names a folder.
  if (!process.env.HOME && home === '/nonexistent') process.env.USERPROFILE ||= home
  return loadSharedConfigFiles()
}

function caBundleOf(env: Environment, { ca_bundle: ofProfile }: Profile, profileName: string) {
  // The AWS CLI's order: its own variable, the profile, the variable of Python's requests.
  if (env.AWS_CA_BUNDLE) return { path: env.AWS_CA_BUNDLE, from: 'AWS_CA_BUNDLE' }
  if (ofProfile) return { path: ofProfile, from: `ca_bundle of the profile ${profileName}` }
  const ofRequests = env.REQUESTS_CA_BUNDLE
  return ofRequests ? { path: ofRequests, from: 'REQUESTS_CA_BUNDLE' } : undefined
}

function configuredEndpoint(
  service: string,
  env: Environment,
  profile: Profile,
  files: Record<string, Profile>,
): Endpoint | undefined {
  const ignored = env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS || profile.ignore_configured_endpoint_urls
  if (isTrue(ignored)) return undefined
  const name = service.replaceAll(' ', '_')
  const variable = [`AWS_ENDPOINT_URL_${name.toUpperCase()}`, 'AWS_ENDPOINT_URL'].find(
    (one) => env[one],
  )
  if (variable) return { url: env[variable]!, from: variable }
  const { services, endpoint_url } = profile
  const section = services === undefined ? {} : files[`services.${services}`]
  if (!section)
    throw configurationError(
      `the profile has services = ${services}, and AWS's configuration file has no section [services ${services}].`,
    )
  const url = section[`${name.toLowerCase()}.endpoint_url`] || endpoint_url
  return url ? { url, from: "endpoint_url of AWS's configuration file" } : undefined
}

const isTrue = (text: string | undefined) => text?.toLowerCase() === 'true'

/** Returns the SDK's settings of FIPS and dual-stack. An endpoint takes precedence, as in the AWS CLI. */
export const endpointVariant = (
  { fips, dualstack }: AwsConfiguration,
  endpoint: Endpoint | undefined,
) => ({
  useFipsEndpoint: fips && !endpoint,
  useDualstackEndpoint: dualstack && !endpoint,
})

/**
 * Returns the options with `fips` and `dualstack` of the environment and the profile, for the hosts in
 * bundles. Accepts a profile that does not exist, because no AWS service is called.
 */
export async function withEndpointVariant(aws: AwsOptions): Promise<AwsOptions> {
  const { fips, dualstack } = await configurationOf(aws)
  return { ...aws, fips, dualstack }
}
