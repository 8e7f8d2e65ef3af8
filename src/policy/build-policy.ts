import { areRelated, parseKeyArn } from '../aws/key-arn.js'
import { looksLikeToken } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import type { AwsOptions, Options } from '../options/types.js'
import type { Mark } from '../pipeline/collect/mark.js'
import {
  existingSecretsFile,
  secretsFilePath,
  type SecretsOptions,
} from '../secrets-file/locate.js'
import { readSecretsFile, type SecretsFile } from '../secrets-file/parse.js'
import { currentPair } from '../secrets-file/scopes.js'
import { marksIn } from '../secrets/sources.js'
import { resolveKeys } from './decrypt-requests.js'
import { sourceStatements } from './source-statements.js'
import { contextCondition, oneOrMore, statementsFor, type Statement } from './statement.js'

/** The options of the plugin that determine which AWS calls a build makes. */
export interface BuildPolicyOptions extends SecretsOptions {
  /** Source files or folders, whose marks the build resolves. */
  paths: string[]
  keyIds?: string[]
  encryptionContext?: Record<string, string>
  mode?: Options['mode']
  /** Account of parameters and secrets that marks name without an ARN. Default: that of the keys. */
  account?: string
  /** Key ARNs of the parameters and secrets that the build reads decrypted. */
  sourceKeys?: string[]
}

/**
 * Returns the policy statements that the role of a build needs. Empty if the secrets file contains all
 * values of the marks.
 *
 * @throws KmsBuildError KEY_MISSING, ARGUMENT_INVALID, SECRETS_FILE_MISSING, SECRETS_FILE_INVALID,
 *   and the errors of `marksIn` and `resolveKeys`.
 */
export async function buildPolicy(options: BuildPolicyOptions): Promise<Statement[]> {
  const { keyIds = [], sourceKeys = [], aws = {} } = options
  const marks = (await marksIn(options.paths)).filter(hasSource)
  if (!marks.length) return []
  const file = await (options.secretsFile === undefined
    ? readSecretsFile(secretsFilePath(options))
    : existingSecretsFile(options))
  const keys = await keysOf(keyIds.length ? keyIds : wrappingKeys(file), aws)
  return [
    ...sealStatements(marks, options, file, keys),
    ...(await describeStatements(marks, keys, aws)),
    ...sourceStatements(marks, {
      account: options.account,
      region: aws.region,
      keyArn: keys[0]?.arn,
      sourceKeys,
    }),
  ]
}

/** A KMS key as the plugin's options name it, and its ARN. */
interface Key {
  named: string
  arn: string
}

const keysOf = async (keyIds: string[], aws: AwsOptions): Promise<Key[]> => {
  const arns = await resolveKeys(keyIds, aws)
  return keyIds.map((named, index) => ({ named, arn: arns[index]! }))
}

const wrappingKeys = (file: SecretsFile | null): string[] =>
  file ? currentPair(file).wrapped.map(({ keyId }) => keyId) : []

/** Returns statements for sealing. The pair of a secrets file needs no AWS; otherwise a build creates one. */
function sealStatements(
  marks: Mark[],
  { mode, encryptionContext: given = {} }: BuildPolicyOptions,
  file: SecretsFile | null,
  keys: Key[],
): Statement[] {
  if (!marks.some(isSealedByBuild) || (file && mode !== 'direct')) return []
  if (!keys.length) {
    throw new KmsBuildError(
      'KEY_MISSING',
      'the build seals plaintexts, and no KMS key is given. Give the option keyId of the plugin as --key.',
    )
  }
  const encryptionContext = file ? currentPair(file).encryptionContext : given
  const requests = keys.map(({ arn: keyArn }) => ({ keyArn, encryptionContext }))
  const parsed = keys.map(({ named }) => parseKeyArn(named))
  const isOneKey = keys.length === 1 || (parsed.every((arn) => arn !== null) && areRelated(parsed))
  const used = isOneKey ? requests.slice(0, 1) : requests
  if (mode === 'direct' || !isOneKey) return statementsFor('kms:Encrypt', 'SealSecrets', used)
  const { StringEquals, ...others } = contextCondition(encryptionContext)
  return [
    {
      Sid: 'MakeDataKeyPair',
      Effect: 'Allow',
      Action: 'kms:GenerateDataKeyPairWithoutPlaintext',
      Resource: used[0]!.keyArn,
      Condition: {
        StringEquals: { 'kms:DataKeyPairSpec': 'ECC_NIST_P256', ...StringEquals },
        ...others,
      },
    },
  ]
}

const isCiphertext = ({ source, options }: Mark) =>
  source === 'ciphertext' || (source === 'ssm' && !options.decrypt)

const isSealedByBuild = (mark: Mark) => hasSource(mark) && !isCiphertext(mark)

/** Returns whether a build must read or seal the value. Entries and sealed literals are ciphertext. */
const hasSource = ({ source, argument }: Mark) =>
  source !== 'named' && !(source === 'literal' && looksLikeToken(argument))

/** Returns statements for resolving the key ids and aliases of ciphertexts, which do not contain an ARN. */
async function describeStatements(
  marks: Mark[],
  keys: Key[],
  aws: AwsOptions,
): Promise<Statement[]> {
  const passed = marks.filter(isCiphertext)
  const own = passed.flatMap(({ options: { keyId } }) => keyId ?? [])
  const used = [
    ...(passed.some(({ options }) => !options.keyId) ? keys : []),
    ...(await keysOf(own, aws)),
  ]
  const asked = used.filter(({ named }) => !parseKeyArn(named)).map(({ arn }) => arn)
  if (!asked.length) return []
  return [
    { Sid: 'ResolveKeys', Effect: 'Allow', Action: 'kms:DescribeKey', Resource: oneOrMore(asked) },
  ]
}
