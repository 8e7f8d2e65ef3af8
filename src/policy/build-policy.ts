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
import { resolveKeys } from './openings.js'
import { sourceStatements } from './source-statements.js'
import { contextCondition, oneOrMore, statementsFor, type Statement } from './statement.js'

/** The plugin's options as far as they say what a build asks of AWS. */
export interface BuildPolicyOptions extends SecretsOptions {
  /** The bundle's sources, files or folders: their marks say what the build does. */
  paths: string[]
  keyIds?: string[]
  encryptionContext?: Record<string, string>
  mode?: Options['mode']
  /** Of the parameters and secrets that marks name without an ARN. Default: that of the keys. */
  account?: string
  /** Key ARNs of the parameters and secrets that the build reads decrypted, where they have some. */
  sourceKeys?: string[]
}

/**
 * What the role of a build needs. None, where the secrets file holds all that the marks ask for.
 *
 * @throws KmsBuildError KEY_MISSING, ARGUMENT_INVALID, SECRETS_FILE_MISSING, SECRETS_FILE_INVALID,
 *   and what `marksIn` and `resolveKeys` throw.
 */
export async function buildPolicy(options: BuildPolicyOptions): Promise<Statement[]> {
  const { keyIds = [], sourceKeys = [], aws = {} } = options
  const marks = (await marksIn(options.paths)).filter(asksAnything)
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

/** As the sealer does: a pair of the secrets file needs no AWS, one of the build's own is made. */
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
      'the build seals plaintexts, and nothing says under which KMS key. Give the option keyId of the plugin as --key.',
    )
  }
  const encryptionContext = file ? currentPair(file).encryptionContext : given
  const openings = keys.map(({ arn: keyArn }) => ({ keyArn, encryptionContext }))
  const parsed = keys.map(({ named }) => parseKeyArn(named))
  const isOneKey = keys.length === 1 || (parsed.every((arn) => arn !== null) && areRelated(parsed))
  const asked = isOneKey ? openings.slice(0, 1) : openings
  if (mode === 'direct' || !isOneKey) return statementsFor('kms:Encrypt', 'SealSecrets', asked)
  const { StringEquals, ...others } = contextCondition(encryptionContext)
  return [
    {
      Sid: 'MakeDataKeyPair',
      Effect: 'Allow',
      Action: 'kms:GenerateDataKeyPairWithoutPlaintext',
      Resource: asked[0]!.keyArn,
      Condition: {
        StringEquals: { 'kms:DataKeyPairSpec': 'ECC_NIST_P256', ...StringEquals },
        ...others,
      },
    },
  ]
}

const passesOn = ({ source, options }: Mark) =>
  source === 'ciphertext' || (source === 'ssm' && !options.decrypt)

const isSealedByBuild = (mark: Mark) => asksAnything(mark) && !passesOn(mark)

/** What the secrets file holds, and what is sealed already, is put into a bundle as it is. */
const asksAnything = ({ source, argument }: Mark) =>
  source !== 'named' && !(source === 'literal' && looksLikeToken(argument))

/** A ciphertext that exists already names no key: one given as alias or bare id has to be resolved. */
async function describeStatements(
  marks: Mark[],
  keys: Key[],
  aws: AwsOptions,
): Promise<Statement[]> {
  const passed = marks.filter(passesOn)
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
