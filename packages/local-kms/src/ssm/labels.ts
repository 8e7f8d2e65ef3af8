import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import { integer, list, required, string } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { parameterArn, readName } from './names.js'

const MAX_LABELS = 10
/** A valid label. SSM returns the others as InvalidLabels and ignores them. */
const LABEL = /^(?!\d|aws|ssm)[\w.-]{1,100}$/i

/** Moves labels to a version of a parameter. Default: the newest version. */
export const LabelParameterVersion = operation(
  {
    Name: required(string({ min: 1, max: 2048 })),
    ParameterVersion: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    Labels: required(list(required(string({ min: 1, max: 100 })), { min: 1, max: MAX_LABELS })),
  },
  (call, { Name, ParameterVersion, Labels }) => {
    const { name, key } = readName(call, Name)
    const arn = parameterArn(call, name)
    call.entry.resource = arn
    authorizeByIam(call, 'ssm:LabelParameterVersion', arn)
    const versions = call.account.region(call.region).parameters.get(key)?.versions
    if (versions === undefined) throw new AwsError('ParameterNotFound')
    const wanted = ParameterVersion ?? versions.at(-1)?.version
    const version = versions.find((one) => one.version === wanted)
    if (version === undefined) throw new AwsError('ParameterVersionNotFound')
    const moved = Labels.filter((label) => LABEL.test(label))
    const labels = [...new Set([...(version.labels ?? []), ...moved])]
    if (labels.length > MAX_LABELS) {
      throw new AwsError(
        'ParameterVersionLabelLimitExceeded',
        `A parameter version can have a maximum of ${MAX_LABELS} labels.`,
      )
    }
    for (const one of versions) {
      if (one.labels) one.labels = one.labels.filter((label) => !moved.includes(label))
    }
    version.labels = labels
    call.account.save()
    return {
      InvalidLabels: Labels.filter((label) => !LABEL.test(label)),
      ParameterVersion: version.version,
    }
  },
)
