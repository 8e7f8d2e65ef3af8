import type { Statement } from './statement.js'

/** Returns the policy statements of `fleet`. lambda:ListFunctions has no resource-level permissions. */
export const fleetPolicy = (): Statement[] => [
  { Sid: 'ListFunctions', Effect: 'Allow', Action: 'lambda:ListFunctions', Resource: '*' },
  { Sid: 'ReadCode', Effect: 'Allow', Action: 'lambda:GetFunction', Resource: '*' },
]
