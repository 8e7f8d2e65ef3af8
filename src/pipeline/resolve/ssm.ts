import { present } from '../../aws/aws-error.js'
import { clientsOf, PATIENT } from '../../aws/clients.js'
import { optionalClient } from '../../aws/optional-client.js'
import type { AwsOptions } from '../../options/types.js'
import { type Mark, shown } from '../collect/mark.js'
import { withKeys } from './blob-keys.js'
import { isEncryptionSdkMessage } from './encryption-sdk.js'
import type { Fetching } from './fetching.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import { explainSource } from './source-error.js'
import type { Parameter, Sources, Value } from './types.js'

/**
 * A SecureString's own ciphertext, which kms:Decrypt opens under the context PARAMETER_ARN; or with
 * `{ decrypt: true }` its value.
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
      `${shown(mark)}: SSM has no such parameter or version${caller ? ` in the account and region of ${caller}` : ''}. Check name, region (option aws.region, AWS_REGION) and stage.`,
      mark,
    )
  }
  const { Type, Value = '', ARN } = parameter
  if (decrypt) return plaintextOf(mark, Value)
  if (Type !== 'SecureString') {
    return refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)} is of type ${Type}, which SSM keeps as plaintext: there is no ciphertext to pass through. Make it a SecureString, or seal its value while building: { decrypt: true }.`,
      mark,
    )
  }
  if (isEncryptionSdkMessage(Value)) {
    return refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)} is of the advanced tier, whose ciphertext is an AWS Encryption SDK message that kms:Decrypt does not open. Seal its value while building: { decrypt: true }. Or make it a standard one (up to 4 KB).`,
      mark,
    )
  }
  return withKeys(mark, { ciphertextBlob: Value }, { PARAMETER_ARN: ARN! }, sources)
}

const loadSsm = () =>
  optionalClient('@aws-sdk/client-ssm', 'reads parameters', () => import('@aws-sdk/client-ssm'))

/** What GetParameters takes in one call. */
const BATCH = 10
/** How long a batch that is not full waits for the next module's marks. */
const WINDOW_MS = 20

interface Wanted {
  name: string
  resolve(parameter: Parameter | undefined): void
  reject(error: unknown): void
}

/**
 * Reads parameters in batches, which keeps hundreds of them under SSM's rate; what is throttled all
 * the same, the SDK tries again at the pace that SSM keeps up with.
 */
export function parameters(aws: AwsOptions, bounded: Fetching['bounded']) {
  const clientFor = clientsOf(
    aws,
    'SSM',
    async (config) => {
      const { SSMClient } = await loadSsm()
      return new SSMClient({ ...config, ...PATIENT })
    },
    { isPatient: true },
  )
  const batches = new Map<string, { wanted: Wanted[]; timer: NodeJS.Timeout }>()

  async function getBatch(
    wanted: Wanted[],
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
        resolve(parameters.find((parameter) => answers(parameter, name)))
    } catch (error) {
      // One parameter that is refused fails its whole batch: alone, the others are answered.
      if (!isRefusal(error)) for (const { reject } of wanted) reject(error)
      else if (wanted.length > 1)
        await Promise.all(wanted.map((one) => getBatch([one], region, WithDecryption)))
      else await getOne(wanted[0]!, region, WithDecryption)
    }
  }

  /** For who may call ssm:GetParameter and not ssm:GetParameters. */
  async function getOne(
    { name: Name, resolve, reject }: Wanted,
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

/** Whether this is the parameter that was asked for by name or ARN, a version or label included. */
const answers = ({ Name, ARN, Selector = '' }: Parameter, asked: string) =>
  asked === `${Name}${Selector}` || asked === `${ARN}${Selector}`

/** SSM's own no to what was asked, which another identity or request would not have met. */
const isRefusal = (error: unknown) => {
  const { name, $fault } = error as { name: string; $fault?: string }
  return (
    $fault === 'client' && !/Throttl|TooManyUpdates|Token|UnrecognizedClient|Signature/.test(name)
  )
}
