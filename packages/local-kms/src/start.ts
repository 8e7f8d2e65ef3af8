import { Account } from './account/account.js'
import { parseArn, REGION_PATTERN, userArn } from './arn.js'
import { lockFolder } from './account/lock.js'
import {
  createRole,
  createUser,
  credentialsOf,
  deleteRole,
  findPrincipal,
  identityPolicy,
  putPolicies,
  type Credentials,
  type User,
} from './auth/principals.js'
import { LocalKmsError } from './errors.js'
import { addGrant } from './kms/grants.js'
import * as lambda from './lambda/functions.js'
import type { LocalKms, LocalKmsOptions } from './local-kms.js'
import { makeKey } from './make-key.js'
import { Faults } from './server/faults.js'
import { Journal } from './protocol/journal.js'
import { serve } from './server/serve.js'
import { createOidcProvider } from './sts/web-identity.js'

const ADMIN_POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
}

/**
 * Starts an embedded KMS on loopback, with parts of SSM, Secrets Manager, STS, IAM, Lambda and EC2.
 *
 * @throws LocalKmsError for an invalid option, or a state folder that is corrupt or in use
 */
export async function startLocalKms(options: LocalKmsOptions = {}): Promise<LocalKms> {
  const { dir, host = '127.0.0.1', region = 'us-east-1', accountId = '111122223333' } = options
  checkOptions({ region, accountId })
  const faults = new Faults()
  const journal = new Journal(options.journalLimit ?? 1000, options.onCall)
  const unlock = dir === undefined ? undefined : await lockFolder(dir)
  const { endpoint, admin, listener } = await open().catch(async (error: unknown) => {
    await unlock?.()
    throw error
  })
  async function open() {
    const account = new Account({ dir, accountId, homeRegion: region })
    const pkcs8PublicKey = options.pkcs8PublicKey ?? true
    const endpoint = { account, journal, faults, pkcs8PublicKey }
    const admin = findAdmin(account, () => faults.now())
    const listener = await serve(endpoint, { host, port: options.port ?? 0, tls: options.tls })
    return { endpoint, admin, listener }
  }
  const { account } = endpoint
  const scheme = options.tls === undefined ? 'http' : 'https'
  const url = `${scheme}://${reachableHost(host)}:${listener.port}`

  const envFor = environmentAt(url, region)

  return {
    url,
    region,
    accountId: account.id,
    admin,
    env: envFor(admin.credentials),
    journal: journal.entries,
    faults,
    envFor,
    createKey: ({ accountId = account.id, ...key } = {}) =>
      makeKey({ ...endpoint, account: accountNamed(account, accountId) }, admin.name, {
        region,
        ...key,
      }),
    createUser: (user) => createUser(account, user, () => faults.now()),
    createRole: (role) => createRole(account, role),
    deleteRole: (arn) => deleteRole(account, arn),
    createOidcProvider: (url) => createOidcProvider(account, url, () => faults.now()),
    createFunction: (options) =>
      lambda.createFunction(account, { region, ...options }, faults.now()),
    updateFunctionCode: (arn, code) => lambda.updateFunctionCode(account, arn, code, faults.now()),
    publishVersion: (arn) => lambda.publishVersion(account, arn, faults.now()),
    putFunctionAlias: (arn, alias) => lambda.putAlias(account, arn, alias),
    publishLayerVersion: (layer) =>
      lambda.publishLayerVersion(account, { region, ...layer }, faults.now()),
    deleteFunction: (arn) => lambda.deleteFunction(account, arn),
    createGrant(grant) {
      const { accountId = '', region = '', resource = '' } = parseArn(grant.key) ?? {}
      const key = accountNamed(account, accountId)
        .region(region)
        .keys.get(resource.replace('key/', ''))
      return addGrant(key, grant, faults.now())
    },
    createNetwork: (network) => void account.networks.set(network.vpcId, network),
    putServiceControlPolicy: (policy) =>
      void (account.serviceControlPolicy = policy === null ? undefined : identityPolicy(policy)),
    hasAlias: (name, inRegion = region) => account.region(inRegion).aliases.has(name),
    hasPrincipal: (arn) => findPrincipal(account, arn) !== undefined,
    putPolicies: (arn, policies, trust) => putPolicies(account, arn, policies, trust),
    credentialsOf: (arn, session) => credentialsOf(account, arn, { now: faults.now(), ...session }),
    async close() {
      await listener.close()
      await unlock?.()
    },
  }
}

/** Returns the variables by which AWS clients reach the embedded services as a principal. */
const environmentAt =
  (url: string, region: string) =>
  (credentials: Credentials): Record<string, string> => ({
    AWS_ENDPOINT_URL_KMS: url,
    AWS_ENDPOINT_URL_SSM: url,
    AWS_ENDPOINT_URL_STS: url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    AWS_ENDPOINT_URL_IAM: url,
    AWS_ENDPOINT_URL_LAMBDA: url,
    AWS_ENDPOINT_URL_EC2: url,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  })

function checkOptions({ region, accountId }: { region: string; accountId: string }): void {
  if (!REGION_PATTERN.test(region)) {
    throw new LocalKmsError(
      'BAD_OPTION',
      `region: '${region}' is not a valid region name (example: us-east-1)`,
    )
  }
  if (!/^\d{12}$/.test(accountId)) {
    throw new LocalKmsError('BAD_OPTION', `accountId: '${accountId}' must have twelve digits`)
  }
}

/** Returns the account, or another account with its own administrator. */
function accountNamed(own: Account, accountId: string): Account {
  if (accountId === own.id) return own
  const known = own.others.get(accountId)
  if (known) return known
  const account = new Account({ accountId, homeRegion: own.homeRegion })
  findAdmin(account, Date.now)
  own.others.set(accountId, account)
  return account
}

/** Returns the account's administrator. Creates it for a new account. */
function findAdmin(account: Account, clock: () => number): User {
  const existing = account.state.users.get('admin')
  if (existing === undefined) {
    return createUser(account, { name: 'admin', policies: [ADMIN_POLICY] }, clock)
  }
  const [credentials] = existing.accessKeys as [Credentials]
  return { name: 'admin', arn: userArn(account.partition, account.id, 'admin'), credentials }
}

/** Returns an address that clients can connect to. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
