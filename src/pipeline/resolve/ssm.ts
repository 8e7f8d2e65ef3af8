import { present } from '../../aws/aws-error.js'
import { clientsOf, PATIENT } from '../../aws/clients.js'
import { optionalClient } from '../../aws/optional-client.js'
import type { AwsOptions } from '../../options/types.js'
import { type Mark, shown } from '../collect/mark.js'
import { withKeys } from './blob-keys.js'
import { isEncryptionSdkMessage } from './encryption-sdk.js'
import type { Fetcher } from './fetching.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import { explainSource } from './source-error.js'
import type { Parameter, Sources, Value } from './types.js'

/**
 * Returns the ciphertext of a SecureString, which kms:Decrypt decrypts with the context PARAMETER_ARN, or
 * with `{ decrypt: true }` its value.
 *
 * @throws KmsBuildError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_FAILED, SOURCE_UNSUITABLE,
 *   KEY_MISSING, and what `plaintextOf` throws.
 */
export async function fromSsm(mark: Mark, sources: Sources): Promise<Value> {
  const { decrypt = false } = mark.options
  const parameter = await sources.remote
    .parameter(mark.argument, decrypt)
    .catch(async (error: unknown) => {
      throw await explainSource(error, mark, 'ssm:GetParameters', sources.remote)
    })
  if (!parameter) {
    const caller = await sources.remote.identity()
    return refuse(
      'SOURCE_NOT_FOUND',
      `${shown(mark)}: the parameter or version does not exist${caller ? ` in the account and region of ${caller}` : ''}. Check name, region (option aws.region, AWS_REGION) and stage.`,
      mark,
    )
  }
  const { Type, Value = '', ARN } = parameter
  if (decrypt) return plaintextOf(mark, Value)
  if (Type !== 'SecureString') {
    return refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)} is of type ${Type}, which SSM stores as plaintext, so it has no ciphertext. Make it a SecureString, or let the build seal its value: { decrypt: true }.`,
      mark,
    )
  }
  if (isEncryptionSdkMessage(Value)) {
    return refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)} is of the advanced tier, whose ciphertext is an AWS Encryption SDK message that kms:Decrypt cannot decrypt. Let the build seal its value: { decrypt: true }. Or make it a standard parameter (up to 4 KB).`,
      mark,
    )
  }
  return withKeys(mark, { ciphertextBlob: Value }, { PARAMETER_ARN: ARN! }, sources)
}

const loadSsm = () =>
  optionalClient('@aws-sdk/client-ssm', 'reads parameters', () => import('@aws-sdk/client-ssm'))

/** The largest number of names in one GetParameters call. */
const BATCH = 10
/** How long an incomplete batch waits for marks of other modules. */
const WINDOW_MS = 20

interface ParameterRequest {
  name: string
  resolve(parameter: Parameter | undefined): void
  reject(error: unknown): void
}

/**
 * Reads parameters in batches, so that hundreds of them stay below SSM's rate limit. The SDK retries
 * throttled calls and slows down to the rate that SSM accepts.
 */
export function parameters(aws: AwsOptions, bounded: Fetcher['bounded']) {
  const clientFor = clientsOf(
    aws,
    'SSM',
    async (config) => {
      const { SSMClient } = await loadSsm()
      return new SSMClient({ ...config, ...PATIENT })
    },
    { isPatient: true },
  )
  const batches = new Map<string, { wanted: ParameterRequest[]; timer: NodeJS.Timeout }>()

  async function getBatch(
    wanted: ParameterRequest[],
    region: string | undefined,
    WithDecryption: boolean,
  ): Promise<void> {
    const Names = wanted.map(({ name }) => name)
    try {
      const { GetParametersCommand } = await loadSsm()
      const ssm = await clientFor(region)
      const { Parameters } = await bounded(() =>
        ssm.send(new GetParametersCommand({ Names, WithDecryption })),
      )
      const parameters = present(Parameters)
      for (const { name, resolve } of wanted)
        resolve(parameters.find((parameter) => hasName(parameter, name)))
    } catch (error) {
      // One rejected parameter fails its batch. Read the parameters one by one then.
      if (!isRefusal(error)) for (const { reject } of wanted) reject(error)
      else if (wanted.length > 1)
        await Promise.all(wanted.map((one) => getBatch([one], region, WithDecryption)))
      else await getOne(wanted[0]!, region, WithDecryption)
    }
  }

  /** Reads one parameter, for callers that may call ssm:GetParameter and not ssm:GetParameters. */
  async function getOne(
    { name: Name, resolve, reject }: ParameterRequest,
    region: string | undefined,
    WithDecryption: boolean,
  ) {
    try {
      const { GetParameterCommand } = await loadSsm()
      const ssm = await clientFor(region)
      const command = new GetParameterCommand({ Name, WithDecryption })
      resolve(present((await bounded(() => ssm.send(command))).Parameter))
    } catch (error) {
      reject(error)
    }
  }

  return (name: string, decrypt: boolean) =>
    new Promise<Parameter | undefined>((resolve, reject) => {
      const region = /^arn:aws[a-z-]*:ssm:([a-z0-9-]+):/.exec(name)?.[1]
      const key = `${region} ${decrypt}`
      const flush = () => {
        const { wanted, timer } = batches.get(key)!
        clearTimeout(timer)
        batches.delete(key)
        void getBatch(wanted, region, decrypt)
      }
      let batch = batches.get(key)
      if (!batch) batches.set(key, (batch = { wanted: [], timer: setTimeout(flush, WINDOW_MS) }))
      if (batch.wanted.push({ name, resolve, reject }) === BATCH) flush()
    })
}

/** Returns whether a parameter has the requested name or ARN, with its version or label. */
const hasName = ({ Name, ARN, Selector = '' }: Parameter, asked: string) =>
  asked === `${Name}${Selector}` || asked === `${ARN}${Selector}`

/** Returns whether SSM rejected the request or the caller, so that another request may succeed. */
const isRefusal = (error: unknown) => {
  const { name, $fault } = error as { name: string; $fault?: string }
  return (
    $fault === 'client' && !/Throttl|TooManyUpdates|Token|UnrecognizedClient|Signature/.test(name)
  )
}
