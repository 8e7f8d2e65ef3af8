import { cdk } from './cdk.js'
import { cloudFormation, sam } from './cloudformation.js'
import { type PolicyOf, documentOf, type Statement } from './statement.js'
import { terraform } from './terraform.js'

export const FORMATS = ['json', 'terraform', 'cloudformation', 'sam', 'cdk'] as const
export type PolicyFormat = (typeof FORMATS)[number]

const WRITERS: Record<PolicyFormat, (statements: Statement[], of: PolicyOf) => string> = {
  // Only statements, because users add them to the existing key policy.
  json: (statements, of) =>
    JSON.stringify(of === 'key' ? statements : documentOf(statements), null, 2),
  terraform,
  cloudformation: cloudFormation,
  sam,
  cdk,
}

/** Writes statements in the language of an infrastructure tool. */
export const formatPolicy = (statements: Statement[], format: PolicyFormat, of: PolicyOf) =>
  WRITERS[format](statements, of)
