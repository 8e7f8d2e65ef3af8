import { callerIdentity } from '../aws/caller-identity.js'
import { parseKeyArn } from '../aws/key-arn.js'
import { checkOptionalClients } from '../aws/optional-client.js'
import { KmsBuildError } from '../errors.js'
import { pinsIn } from '../options/environment.js'
import type { AwsOptions } from '../options/types.js'
import type { DecryptRequest, DecryptRequestsOptions } from '../policy/decrypt-requests.js'
import { expectRoleArn } from '../policy/role-arn.js'
import { checkAliases } from './alias.js'
import { ask, clients, isUnreached, noteUnreached, reason, type Answer } from './ask.js'
import { check, inOrder, type Check, type CheckId } from './check.js'
import { checkFile } from './file.js'
import { checkRuntime, examineFunction, type FunctionFacts } from './function.js'
import { examineKey, type KeyFacts } from './keys.js'
import { checkNetwork } from './network.js'
import { checkAccess } from './role.js'
import { readSubject, type Subject } from './subject.js'
import { checkCaller, verifyPairs } from './wrapped.js'
import { clientKms } from '../aws/sdk.js'

export interface DoctorOptions extends DecryptRequestsOptions {
  /** A Lambda function, by name or ARN: its role, its VPC and its region. */
  functionName?: string
  /** ARN of a role: whether it may decrypt. */
  role?: string
  /** Whether to unwrap every pair and decrypt every entry. Needs kms:Decrypt. */
  decrypt?: boolean
  /** `sha256:…` of the public keys. Default: UNPLUGIN_KMS_PIN, or the remembered pins. */
  pins?: string[]
}

export interface Diagnosis {
  /** Findings by cause, then advice, then unchecked, then ok. */
  checks: Check[]
  verdict: 'fine' | 'found' | 'broken-input' | 'aws-unreachable' | 'aws-refused'
}

/**
 * Checks each step from the secrets file to the running function. Changes nothing. Reports what it
 * cannot check as unchecked.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, ARGUMENT_INVALID, FILE_UNREADABLE; if only `keyIds` is
 *   given, also the errors of resolving them.
 */
export async function diagnose(options: DoctorOptions = {}): Promise<Diagnosis> {
  if (options.role !== undefined) expectRoleArn(options.role)
  await checkClients(options)
  const subject = await readSubject(options).catch((error: unknown) => {
    if (error instanceof KmsBuildError && error.code === 'SECRETS_FILE_INVALID') return error
    throw error
  })
  if (subject instanceof KmsBuildError)
    return {
      checks: [check('found', 'file', 'FILE_INVALID', { message: subject.message })],
      verdict: 'broken-input',
    }
  if (options.decrypt && !subject.file) {
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      'there is no secrets file whose data key pairs and entries --decrypt could verify. Omit --decrypt, or give the file: --file.',
    )
  }
  const offline = [
    ...(subject.file ? await checkFile(subject.file, options.pins ?? pinsIn(process.env)) : []),
    ...subject.checks,
  ]
  // A new object, because `isUnreached` refers to one diagnosis.
  const aws = { ...options.aws }
  const { checks, reached } = await examineAws(subject, { ...options, aws })
  const all = inOrder([...offline, ...checks])
  return { checks: all, verdict: verdictOf(all, reached && !isUnreached(aws), options) }
}

/** Checks that the optional AWS clients are installed. */
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
 * Returns the verdict. Offline findings count even if AWS was not reached. If nothing could be checked of
 * the given function, or with `decrypt` of the pairs, the verdict is not `fine`.
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
  { file, requests, wrapped, configured, needsMlKem }: Subject,
  options: DoctorOptions & { aws: AwsOptions },
): Promise<{ checks: Check[]; reached: boolean }> {
  const { aws, functionName, decrypt } = options
  const identity = await examineIdentity(aws, keyRegionOf(requests))
  if (identity.check.status === 'found') return { checks: [identity.check], reached: false }

  const { KMSClient } = await clientKms()
  const kmsFor = clients(aws, 'KMS', async (config) => new KMSClient(config))
  const keyArns = [...new Set(requests.map(({ keyArn }) => keyArn))]
  const keys = await Promise.all(keyArns.map((arn) => examineKey(arn, kmsFor)))
  const ofKeys = [identity.check, ...keys.flatMap(({ checks }) => checks)]
  if (keys.length && keys.every(({ policy }) => isUnreachable(policy)))
    return { checks: ofKeys, reached: false }

  const isUnusable = (arn: string) => keys.some((key) => key.arn === arn && key.isUnusable)
  const usable = wrapped.filter(({ blob }) => !isUnusable(blob.keyId))
  const ofWrapped = await checkCaller(usable, kmsFor)
  const keyRegion = keyRegionOf(requests)
  const fn =
    functionName === undefined ? undefined : await examineFunction(functionName, aws, keyRegion)
  const role = options.role ?? fn?.role
  // If KMS rejects a blob or its context, permissions are not the cause.
  const hasMismatch = ofWrapped.some(({ status }) => status === 'found')
  const asked = hasMismatch ? [] : requests.filter(({ keyArn }) => !isUnusable(keyArn))
  const groups = await Promise.all([
    checkAliases(configured, keyArns, kmsFor),
    file && decrypt ? verifyPairs(file, aws, isUnusable) : [],
    role ? checkAccess(role, identity.account, fn?.name, asked, keys, aws) : [],
    fn?.region ? checkNetwork(fn, asked, keys, aws) : [],
  ])
  return {
    checks: [
      ...ofKeys,
      ...ofWrapped,
      ...(fn?.checks ?? []),
      ...(fn ? checkRuntime(fn, needsMlKem) : []),
      ...nearestKey(fn, keys),
      ...groups.flat(),
    ],
    reached: true,
  }
}

const isUnreachable = (answer: Answer<unknown>) =>
  'refused' in answer && answer.refused === 'unreachable'

/** Returns the region of the first key, which determines the partition for STS. */
const keyRegionOf = ([request]: DecryptRequest[]) => request && parseKeyArn(request.keyArn)!.region

/** Asks STS for the caller and its account: IAM returns only roles of this account. */
async function examineIdentity(
  aws: AwsOptions,
  keyRegion: string | undefined,
): Promise<{ check: Check; account?: string }> {
  const answer = await ask(() =>
    callerIdentity(aws, keyRegion, (error) => noteUnreached(aws, error)),
  )
  if ('got' in answer) {
    const { arn, account } = answer.got
    return { check: check('ok', 'identity', 'CALLER_KNOWN', { arn }), account }
  }
  const { refused, message, next } = answer
  const data = { message, next }
  if (refused === 'credentials-rejected')
    return { check: check('found', 'identity', 'CREDENTIALS_REJECTED', data) }
  if (refused === 'credentials-missing' || refused === 'configuration')
    return { check: check('found', 'identity', 'AWS_NOT_CALLED', data) }
  const why = reason(answer, 'sts:GetCallerIdentity')
  return { check: check('unchecked', 'identity', 'CALLER_UNKNOWN', { reason: why }) }
}

/** Checks whether a key is in the function's region. Another region makes cold starts slower. */
function nearestKey(fn: FunctionFacts | undefined, keys: KeyFacts[]): Check[] {
  if (!fn?.region || !keys.length) return []
  const { region } = fn
  const keyRegions = keys.map(({ arn }) => parseKeyArn(arn)!.region)
  return keyRegions.includes(region)
    ? [check('ok', 'nearest-key', 'REGION_NEAR', { region })]
    : [check('advice', 'nearest-key', 'REGION_FAR', { region, keyRegions })]
}
