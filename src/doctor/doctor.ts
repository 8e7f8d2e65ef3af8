import { callerIdentity } from '../aws/caller-identity.js'
import { parseKeyArn } from '../aws/key-arn.js'
import { checkOptionalClients } from '../aws/optional-client.js'
import { KmsBuildError } from '../errors.js'
import { pinsIn } from '../options/environment.js'
import type { AwsOptions } from '../options/types.js'
import type { Opening, OpeningsOptions } from '../policy/openings.js'
import { expectRoleArn } from '../policy/role-arn.js'
import { checkAliases } from './alias.js'
import { ask, clients, isUnreached, noteUnreached, reason, type Answer } from './ask.js'
import { check, inOrder, type Check, type CheckId } from './check.js'
import { checkFile } from './file.js'
import { examineFunction, type FunctionFacts } from './function.js'
import { examineKey, type KeyFacts } from './keys.js'
import { checkNetwork } from './network.js'
import { checkAccess } from './role.js'
import { readSubject, type Subject } from './subject.js'
import { checkCaller, provePairs } from './wrapped.js'

export interface DoctorOptions extends OpeningsOptions {
  /** A Lambda function, by name or ARN: its role, its VPC and its region. */
  functionName?: string
  /** A role, by ARN: whether it may open. */
  role?: string
  /** Unwrap every pair and open every entry; needs kms:Decrypt. */
  decrypt?: boolean
  /** `sha256:…` of the public keys. Default: UNPLUGIN_KMS_PIN, or what was remembered. */
  pins?: string[]
}

export interface Diagnosis {
  /** What was found first, by cause; then advice, what could not be checked, and what is fine. */
  checks: Check[]
  verdict: 'fine' | 'found' | 'broken-input' | 'aws-unreachable' | 'aws-refused'
}

/**
 * Looks at each step from the secrets file to the running function. Changes nothing, in AWS or here,
 * and claims nothing that it could not see.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, ARGUMENT_INVALID, FILE_UNREADABLE; what resolving the
 *   option keyIds refuses where nothing else says a key.
 */
export async function diagnose(options: DoctorOptions = {}): Promise<Diagnosis> {
  if (options.role !== undefined) expectRoleArn(options.role)
  await checkClients(options)
  const subject = await readSubject(options).catch((error: unknown) => {
    if (error instanceof KmsBuildError && error.code === 'SECRETS_FILE_INVALID') return error
    throw error
  })
  if (subject instanceof KmsBuildError)
    return { checks: [check('found', 'file', subject.message)], verdict: 'broken-input' }
  if (options.decrypt && !subject.file) {
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      'there is no secrets file, whose data key pairs and entries --decrypt would prove. Leave it out, or give the file: --file.',
    )
  }
  const offline = [
    ...(subject.file ? await checkFile(subject.file, options.pins ?? pinsIn(process.env)) : []),
    ...subject.checks,
  ]
  // An object of its own, by which the calls that did not reach AWS are remembered.
  const aws = { ...options.aws }
  const { checks, reached } = await examineAws(subject, { ...options, aws })
  const all = inOrder([...offline, ...checks])
  return { checks: all, verdict: verdictOf(all, reached && !isUnreached(aws), options) }
}

/** Checks that the optional AWS clients are installed, before anything is asked. */
const checkClients = ({ functionName, role }: DoctorOptions) =>
  checkOptionalClients(
    {
      ...(functionName !== undefined && {
        '@aws-sdk/client-lambda': () => import('@aws-sdk/client-lambda'),
      }),
      ...((functionName !== undefined || role !== undefined) && {
        '@aws-sdk/client-iam': () => import('@aws-sdk/client-iam'),
      }),
    },
    'examine functions and roles',
  )

/**
 * What was found with no AWS stays found where AWS was not reached. What was asked for by name and
 * refused altogether is not fine.
 */
function verdictOf(
  checks: Check[],
  reached: boolean,
  { functionName, decrypt }: DoctorOptions,
): Diagnosis['verdict'] {
  const found = checks.filter(({ status }) => status === 'found')
  if (found.some(({ id }) => id !== 'identity')) return 'found'
  if (!reached) return 'aws-unreachable'
  const isRefused = (wanted: CheckId) => {
    const own = checks.filter(({ id }) => id === wanted)
    return own.length > 0 && own.every(({ status }) => status === 'unchecked')
  }
  const refused =
    (functionName !== undefined && isRefused('function')) || (decrypt && isRefused('pair'))
  return refused ? 'aws-refused' : 'fine'
}

async function examineAws(
  { file, openings, wrapped, configured }: Subject,
  options: DoctorOptions & { aws: AwsOptions },
): Promise<{ checks: Check[]; reached: boolean }> {
  const { aws, functionName, decrypt } = options
  const identity = await examineIdentity(aws, keyRegionOf(openings))
  if (identity.check.status === 'found') return { checks: [identity.check], reached: false }

  const { KMSClient } = await import('@aws-sdk/client-kms')
  const kmsFor = clients(aws, 'KMS', async (config) => new KMSClient(config))
  const keyArns = [...new Set(openings.map(({ keyArn }) => keyArn))]
  const keys = await Promise.all(keyArns.map((arn) => examineKey(arn, kmsFor)))
  const ofKeys = [identity.check, ...keys.flatMap(({ checks }) => checks)]
  if (keys.length && keys.every(({ policy }) => isUnreachable(policy)))
    return { checks: ofKeys, reached: false }

  const isBroken = (arn: string) => keys.some((key) => key.arn === arn && key.broken)
  const whole = wrapped.filter(({ blob }) => !isBroken(blob.keyId))
  const ofWrapped = await checkCaller(whole, kmsFor)
  const keyRegion = keyRegionOf(openings)
  const fn =
    functionName === undefined ? undefined : await examineFunction(functionName, aws, keyRegion)
  const role = options.role ?? fn?.role
  // What no key unwraps with this context, or at all, is no matter of permissions.
  const misfits = ofWrapped.some(({ status }) => status === 'found')
  const asked = misfits ? [] : openings.filter(({ keyArn }) => !isBroken(keyArn))
  const groups = await Promise.all([
    checkAliases(configured, keyArns, kmsFor),
    file && decrypt ? provePairs(file, aws, isBroken) : [],
    role ? checkAccess(role, identity.account, fn?.name, asked, keys, aws) : [],
    fn?.region ? checkNetwork(fn, asked, keys, aws) : [],
  ])
  return {
    checks: [
      ...ofKeys,
      ...ofWrapped,
      ...(fn?.checks ?? []),
      ...nearestKey(fn, keys),
      ...groups.flat(),
    ],
    reached: true,
  }
}

const isUnreachable = (answer: Answer<unknown>) =>
  'refused' in answer && answer.refused === 'unreachable'

/** Says the partition too, where nothing else does: credentials of China are not known elsewhere. */
const keyRegionOf = ([opening]: Opening[]) => opening && parseKeyArn(opening.keyArn)!.region

/** Asks STS who the caller is, and in which account: IAM describes the roles of that one alone. */
async function examineIdentity(
  aws: AwsOptions,
  keyRegion: string | undefined,
): Promise<{ check: Check; account?: string }> {
  const answer = await ask(() =>
    callerIdentity(aws, keyRegion, (error) => noteUnreached(aws, error)),
  )
  if ('got' in answer) {
    const { arn, account } = answer.got
    return { check: check('ok', 'identity', `the caller is ${arn}`), account }
  }
  const { refused, name, message, next } = answer
  const nothing = 'nothing of AWS was looked at'
  switch (refused) {
    case 'credentials-rejected':
      return {
        check: check('found', 'identity', `AWS does not accept the credentials: ${message}`, {
          fix: `${next} ${nothing}`,
        }),
      }
    case 'credentials-missing':
    case 'configuration':
      return { check: check('found', 'identity', message, { fix: `${next} ${nothing}`.trim() }) }
    default: {
      const why = reason({ refused, name, message, next }, 'sts:GetCallerIdentity')
      return { check: check('unchecked', 'identity', `who is calling: ${why}`) }
    }
  }
}

/** Nothing is wrong with a key elsewhere; it costs each cold start a longer way. */
function nearestKey(fn: FunctionFacts | undefined, keys: KeyFacts[]): Check[] {
  if (!fn?.region || !keys.length) return []
  const regions = keys.map(({ arn }) => parseKeyArn(arn)!.region)
  if (regions.includes(fn.region)) return [check('ok', 'nearest-key', `a key is in ${fn.region}`)]
  return [
    check(
      'advice',
      'nearest-key',
      `the function runs in ${fn.region}, and its keys are in ${regions.join(', ')}: each cold start asks there`,
      { fix: `a multi-Region key with a replica in ${fn.region} is nearer` },
    ),
  ]
}
