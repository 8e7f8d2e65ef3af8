import { serviceArn } from '../arn.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'

const MAX_LEVELS = 15
const SYNTAX =
  'If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can ' +
  'be formed as a mix of letters, numbers and the following 3 symbols .-_'

/** A parameter name of a request, without its selector. */
export interface ParameterName {
  /** The name as the request has it. */
  name: string
  /** The key of the parameter in the account's state: `plain` and `/plain` are one parameter. */
  key: string
  /** A version or a label. */
  selector: string | undefined
}

export const parameterKey = (name: string): string => name.replace(/^\//, '')

export const parameterArn = (call: Call, name: string): string =>
  serviceArn('ssm', call.region, call.account.id, `parameter/${parameterKey(name)}`)

/**
 * Parses `NAME`, `NAME:VERSION`, `NAME:LABEL` and their ARNs.
 *
 * @throws AwsError ValidationException
 */
export function readName(call: Call, text: string): ParameterName {
  const prefix = serviceArn('ssm', call.region, call.account.id, 'parameter')
  const isArn = text.startsWith(`${prefix}/`)
  const [full = '', selector] = (isArn ? text.slice(prefix.length) : text).split(':', 2)
  const key = parameterKey(full)
  // An ARN does not show whether the name has a leading slash.
  const stored = call.account.region(call.region).parameters.get(key)?.name
  const name = isArn ? (stored ?? full) : full
  if (!isPath(name)) throw new AwsError('ValidationException', reserved('"ssm"'))
  return { name, key, selector }
}

const reserved = (prefixes: string): string =>
  `Parameter name: can't be prefixed with ${prefixes} (case-insensitive). ${SYNTAX}`

/** A name with more than one level starts with a slash, and no level is empty. */
const isPath = (name: string): boolean => /^[\w.-]+$/.test(name) || /^(?:\/[\w.-]+)+$/.test(name)

/**
 * Checks the name of a new parameter.
 *
 * @throws AwsError ValidationException, AccessDeniedException or HierarchyLevelLimitExceededException
 */
export function checkNewName(name: string): void {
  if (/^[\w.-]+\/[\w./-]*$/.test(name)) {
    throw new AwsError('ValidationException', 'Parameter name must be a fully qualified name.')
  }
  const levels = name.split('/').length - 1
  if (/^\/aws/i.test(name) && levels > 1) {
    throw new AwsError('AccessDeniedException', `No access to reserved parameter name: ${name}.`)
  }
  if (/^\/?(?:aws|ssm)/i.test(name)) {
    const message =
      levels > 1
        ? reserved('"ssm"')
        : 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).'
    throw new AwsError('ValidationException', message)
  }
  if (!isPath(name)) throw new AwsError('ValidationException', reserved('"ssm"'))
  if (levels > MAX_LEVELS) {
    throw new AwsError(
      'HierarchyLevelLimitExceededException',
      `A hierarchy can have a maximum of ${MAX_LEVELS} levels. For more information, see ` +
        'Requirements and constraints for parameter names in the AWS Systems Manager User Guide.',
    )
  }
}
