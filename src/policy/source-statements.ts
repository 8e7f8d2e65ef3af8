import { parseKeyArn } from '../aws/key-arn.js'
import { KmsBuildError } from '../errors.js'
import type { Mark } from '../pipeline/collect/mark.js'
import { oneOrMore, type Statement } from './statement.js'

/** The account and region of parameters and secrets that marks name without an ARN. */
export interface SourcePlace {
  account: string | undefined
  region: string | undefined
  /** Default for account, region and partition. */
  keyArn: string | undefined
  /** ARNs of the KMS keys that encrypt the parameters and secrets. */
  sourceKeys: string[]
}

/** Returns the statements for reading the parameters and secrets of the marks. */
export function sourceStatements(marks: Mark[], place: SourcePlace): Statement[] {
  const parameters = marks.filter(({ source }) => source === 'ssm')
  const decrypted = parameters.filter(({ options }) => options.decrypt)
  const secrets = marks.filter(({ source }) => source === 'secretsManager')
  const arnsOf = (own: Mark[]) => oneOrMore(own.map((mark) => arnOf(mark, place)))
  return [
    ...allow('ReadParameters', 'ssm:GetParameters', parameters.length > 0 && arnsOf(parameters)),
    ...allow('ReadSecrets', 'secretsmanager:GetSecretValue', secrets.length > 0 && arnsOf(secrets)),
    ...through('ssm', 'PARAMETER_ARN', decrypted.length > 0 && arnsOf(decrypted), place),
    ...through('secretsmanager', 'SecretARN', secrets.length > 0 && arnsOf(secrets), place),
  ]
}

function allow(Sid: string, Action: string, Resource: Statement['Resource'] | false): Statement[] {
  return Resource ? [{ Sid, Effect: 'Allow', Action, Resource }] : []
}

/** Allows kms:Decrypt only through a service, and only for the given parameters or secrets. */
function through(
  service: string,
  name: string,
  arns: Statement['Resource'] | false,
  { sourceKeys }: SourcePlace,
): Statement[] {
  if (!arns || !sourceKeys.length) return []
  const regions = sourceKeys.flatMap((keyArn) => parseKeyArn(keyArn)?.region ?? [])
  return [
    {
      Sid: service === 'ssm' ? 'DecryptParameters' : 'DecryptSecrets',
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: oneOrMore(sourceKeys),
      Condition: {
        StringEquals: {
          'kms:ViaService': oneOrMore(
            regions.map((region) => `${service}.${region}.amazonaws.com`),
          ),
        },
        StringLike: { [`kms:EncryptionContext:${name}`]: arns },
      },
    },
  ]
}

function arnOf({ source, argument, place }: Mark, at: SourcePlace): string {
  if (source === 'ssm') {
    const [, arn] = /^(arn:aws[a-z-]*:ssm:[^:]*:\d{12}:parameter\/[^:]+)/.exec(argument) ?? []
    // Without its version or label, which are not part of the resource in IAM.
    return arn ?? arnAt('ssm', `parameter/${argument.replace(/^\//, '').replace(/:.*$/, '')}`)
  }
  // Secrets Manager appends a hyphen and six random characters to each ARN.
  const [, arn] = /^(arn:aws[a-z-]*:secretsmanager:[^:]*:\d{12}:secret:.+)$/.exec(argument) ?? []
  if (arn) return /-[A-Za-z0-9]{6}$/.test(arn) ? arn : `${arn}-??????`
  return arnAt('secretsmanager', `secret:${argument}-??????`)

  function arnAt(service: string, resource: string): string {
    const key = at.keyArn === undefined ? null : parseKeyArn(at.keyArn)
    const region = at.region ?? (process.env.AWS_REGION || key?.region)
    const account = at.account ?? key?.account
    if (region && account)
      return `arn:${key?.partition ?? 'aws'}:${service}:${region}:${account}:${resource}`
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      `the ${region ? 'account' : 'region'} of ${argument} is unknown. Give --account and --region, or use its ARN in the mark.`,
      place,
    )
  }
}
