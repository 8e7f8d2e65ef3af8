import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import type { Account } from '../account/account.js'
import type { OidcProvider } from '../account/oidc-provider.js'
import { iamArn, roleArn, sessionArn } from '../arn.js'
import { callContext } from '../auth/call-context.js'
import { matchesConditions, requestContext, wildcardMatch } from '../policy/conditions.js'
import { parsePolicy, type Policy } from '../policy/parse-policy.js'
import { issueSession } from '../auth/principals.js'
import { AwsError } from '../errors.js'
import { numeral, required, string, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { credentials } from './operations.js'

const ACTION = 'sts:AssumeRoleWithWebIdentity'

/** The public keys of each account's providers, by URL without `https://`. */
const providers = new WeakMap<Account, Map<string, KeyObject>>()

const providerArn = ({ partition, id }: Account, issuer: string): string =>
  iamArn(partition, id, `oidc-provider/${issuer}`)

/** @param url `https://token.actions.githubusercontent.com` */
export function createOidcProvider(
  account: Account,
  url: string,
  clock: () => number,
): OidcProvider {
  const issuer = url.replace(/^https:\/\//, '')
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const known = providers.get(account) ?? new Map<string, KeyObject>()
  providers.set(account, known.set(issuer, publicKey))
  return {
    arn: providerArn(account, issuer),
    token(claims) {
      const iat = Math.floor(clock() / 1000)
      const parts = [
        { alg: 'ES256', typ: 'JWT' },
        { iss: `https://${issuer}`, iat, exp: iat + 3600, ...claims },
      ]
      const signed = parts.map((part) => base64url(JSON.stringify(part))).join('.')
      const signature = sign('sha256', Buffer.from(signed), key(privateKey))
      return `${signed}.${base64url(signature)}`
    },
  }
}

/** The only operation without a signature: the token identifies the caller. */
export const AssumeRoleWithWebIdentity = operation(
  {
    RoleArn: required(string({ min: 20, max: 2048 })),
    RoleSessionName: required(string({ min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ })),
    WebIdentityToken: required(string({ min: 4, max: 20_000, sensitive: true })),
    DurationSeconds: numeral({ min: 900, max: 3600 }),
    ProviderId: unsupported(),
    Policy: unsupported(),
    PolicyArns: unsupported(),
    MinimumSessionTokenSize: unsupported(),
  },
  (call, { RoleArn, RoleSessionName: sessionName, WebIdentityToken, DurationSeconds = 3600 }) => {
    const { account, entry, now } = call
    entry.resource = RoleArn
    const { issuer, sub, aud } = readToken(account, WebIdentityToken, now)
    entry.principal = `${issuer}:${aud}:${sub}`
    const role = [...account.state.roles.values()].find(
      ({ name }) => roleArn(account.partition, account.id, name) === RoleArn,
    )
    const context = requestContext([
      ...callContext(call),
      [`${issuer}:sub`, sub],
      [`${issuer}:aud`, aud],
      ['sts:RoleSessionName', sessionName],
    ])
    const trust = role && parsePolicy(role.trustPolicy, 'trust')
    const hasStatement = (effect: 'Allow' | 'Deny', policy: Policy) =>
      policy.statements.some(
        (statement) =>
          statement.effect === effect &&
          statement.actions?.some((action) => wildcardMatch(ACTION, action)) &&
          statement.principals?.['Federated']?.includes(providerArn(account, issuer)) &&
          matchesConditions(statement.conditions, context, (text) => text),
      )
    if (!role || !trust || hasStatement('Deny', trust) || !hasStatement('Allow', trust)) {
      throw new AwsError('AccessDeniedException', `Not authorized to perform ${ACTION}`)
    }
    const of = { kind: 'role' as const, name: role.name, sessionName }
    const session = issueSession(
      account,
      { of, mfaPresent: false },
      { now, durationSeconds: DurationSeconds },
    )
    return {
      SubjectFromWebIdentityToken: sub,
      Audience: aud,
      Provider: providerArn(account, issuer),
      AssumedRoleUser: {
        AssumedRoleId: `${role.roleId}:${sessionName}`,
        Arn: sessionArn(account.partition, account.id, role.name, sessionName),
      },
      Credentials: credentials(session),
    }
  },
)

/** @throws AwsError InvalidIdentityToken for an unknown provider or a wrong signature; ExpiredTokenException */
function readToken(account: Account, token: string, now: number) {
  const invalid = (why: string): never => {
    throw new AwsError('InvalidIdentityToken', why)
  }
  const [head = '', body = '', signature = ''] = token.trim().split('.')
  let claims: { iss?: string; sub?: string; aud?: string; exp?: number } = {}
  try {
    claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  } catch {
    invalid('The token is not a JWT')
  }
  const { iss = '', sub = '', aud = '', exp = 0 } = claims
  const issuer = iss.replace(/^https:\/\//, '')
  const publicKey =
    providers.get(account)?.get(issuer) ??
    invalid('No OpenIDConnect provider found in your account for the issuer of the token')
  const data = Buffer.from(`${head}.${body}`)
  if (!verify('sha256', data, key(publicKey), Buffer.from(signature, 'base64url'))) {
    invalid("Couldn't verify the signature of the token")
  }
  if (exp * 1000 <= now) throw new AwsError('ExpiredTokenException', 'Token expired')
  return { issuer, sub, aud }
}

/** JWTs contain r and s without DER. */
const key = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const })

const base64url = (data: string | Buffer): string => Buffer.from(data).toString('base64url')
