import { randomUUID } from 'node:crypto'
import type { Account } from '../account/account.js'
import { parseArn } from '../arn.js'
import { authenticate } from '../auth/authenticate.js'
import { anonymous } from '../auth/caller.js'
import { AwsError } from '../errors.js'
import { CROSS_ACCOUNT } from '../kms/operations.js'
import type { Answer } from '../protocol/answer.js'
import { jsonAnswer, jsonError, readJson } from '../protocol/json.js'
import { readForm, xmlAnswer, xmlError } from '../protocol/query.js'
import { restAnswer, restError, s3Error } from '../protocol/rest-json.js'
import { perform, recordFailure, type Operation } from '../protocol/service.js'
import { describeFaults, throwFault, type Faults, type AppliedFaults } from './faults.js'
import type { Journal, JournalEntry } from '../protocol/journal.js'
import type { HttpRequest } from './http.js'
import { OPERATIONS, route } from './services.js'

export interface Endpoint {
  readonly account: Account
  readonly journal: Journal
  readonly faults: Faults
  readonly pkcs8PublicKey: boolean
}

export interface HandledRequest {
  answer: Answer
  requestId: string
  /** The faults that the transport applies. */
  applied: AppliedFaults
}

/** Answers a request: routes, authenticates and performs it, and records it in the journal. */
export async function handle(endpoint: Endpoint, request: HttpRequest): Promise<HandledRequest> {
  const requestId = randomUUID()
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')
  const form = isForm === true ? readForm(request.body) : undefined
  const routed = route(request, form)
  const { service, operation } = routed
  const applied = endpoint.faults.select(service, operation)
  const now = endpoint.faults.now() + applied.clockMs
  const injected = describeFaults(applied)
  const entry: JournalEntry = {
    time: new Date(now).toISOString(),
    requestId,
    service,
    operation,
    region: '',
    outcome: 'Success',
    ...(injected !== undefined && { fault: injected }),
  }

  let answer: Answer
  try {
    if (applied.fault !== undefined) recordCaller(endpoint, request, entry, now)
    throwFault(applied.fault)
    const output = await run(endpoint, request, form ?? routed.input, entry, now)
    answer = form ? xmlAnswer(form, output as object, requestId) : writeAnswer(service, output)
  } catch (error) {
    recordFailure(entry, error)
    const refusal =
      error instanceof AwsError
        ? error
        : new AwsError('InternalFailure', `internal error of the local KMS: ${String(error)}`, {
            status: 500,
          })
    answer = form ? xmlError(form, refusal, requestId) : writeError(service, refusal)
  }
  endpoint.journal.add(entry)
  return { answer, requestId, applied }
}

function writeAnswer(service: JournalEntry['service'], output: unknown): Answer {
  if (service === 's3') return output as Answer
  return service === 'lambda' ? restAnswer(output) : jsonAnswer(output)
}

function writeError(service: JournalEntry['service'], error: AwsError): Answer {
  if (service === 's3') return s3Error(error)
  return service === 'lambda' ? restError(error) : jsonError(error, service)
}

/** Records the caller of a request that a fault may answer before authentication. */
function recordCaller(
  { account }: Endpoint,
  request: HttpRequest,
  entry: JournalEntry,
  now: number,
): void {
  try {
    const { caller, region } = authenticate(account, request, entry.service, now)
    entry.principal = caller.arn
    entry.region = region
  } catch {
    // The entry stays without a principal. If the call continues, authentication fails again.
  }
}

async function run(
  endpoint: Endpoint,
  request: HttpRequest,
  input: object | undefined,
  entry: JournalEntry,
  now: number,
): Promise<unknown> {
  const { service, operation: name } = entry
  const operation =
    service !== 'unknown' && Object.hasOwn(OPERATIONS[service], name)
      ? OPERATIONS[service][name]
      : undefined
  if (service === 'unknown' || operation === undefined) {
    throw new AwsError(
      'UnknownOperationException',
      service === 'unknown'
        ? `The local KMS does not serve ${describeRequest(request)}. It serves operations of ` +
            `${Object.keys(OPERATIONS).join(', ')}.`
        : `The local KMS does not serve ${service}:${name}. It serves ` +
            `${Object.keys(OPERATIONS[service]).join(', ')}.`,
    )
  }
  const body = input ?? readJson(request.body)
  if (service === 'kms' && (body as { DryRun?: unknown } | null)?.DryRun === true)
    entry.dryRun = true
  const { caller, region } =
    operation === OPERATIONS.sts['AssumeRoleWithWebIdentity'] || service === 's3'
      ? { caller: anonymous(endpoint.account.id), region: endpoint.account.homeRegion }
      : authenticate(endpoint.account, request, service, now)
  entry.principal = caller.arn
  entry.region = region
  checkHost(request.headers.host, region)
  const call = {
    account: CROSS_ACCOUNT.has(name) ? accountOf(body, endpoint.account) : endpoint.account,
    journal: endpoint.journal,
    region,
    caller,
    now,
    sourceIp: request.sourceIp,
    secureTransport: request.secureTransport,
    userAgent: request.headers['user-agent'] ?? '',
    origin: `${request.secureTransport ? 'https' : 'http'}://${request.headers.host ?? ''}`,
    pkcs8PublicKey: endpoint.pkcs8PublicKey,
    entry,
  }
  return perform(operation as Operation<unknown>, call, body)
}

/** Returns the operation that a request names, in the form that its protocol has. */
const describeRequest = ({ method, target, headers, body }: HttpRequest): string => {
  const form = new URLSearchParams(body.toString('latin1'))
  const action = form.get('Action')
  return String(
    headers['x-amz-target'] ??
      (action === null ? `${method} ${target}` : `${action} (version ${form.get('Version')})`),
  )
}

/** Returns the account of the key ARN in a request. Default: the caller's account. */
function accountOf(body: unknown, own: Account): Account {
  const { KeyId } = (body ?? {}) as { KeyId?: unknown }
  return own.others.get(parseArn(String(KeyId))?.accountId ?? '') ?? own
}

const AWS_HOST =
  /^[a-z-]+\.([a-z0-9-]+)\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws)(?::\d+)?$/

/** Checks that a request to a host of AWS is signed for the region of that host. */
function checkHost(host: string | undefined, region: string): void {
  const named = AWS_HOST.exec(host ?? '')?.[1]
  if (named !== undefined && named !== region) {
    throw new AwsError(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${region}'. `,
    )
  }
}
