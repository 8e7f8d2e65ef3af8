import type { PolicyOf, Statement } from './statement.js'

/** Writes an `aws_iam_policy_document`, for the policies of roles and of keys. */
export function terraform(statements: Statement[], of: PolicyOf): string {
  const blocks = statements.map(block).join('\n\n')
  return `data "aws_iam_policy_document" "unplugin_kms_${of}" {\n${blocks}\n}`
}

function block({ Sid, Action, Resource, Principal, Condition = {} }: Statement): string {
  const conditions = Object.entries(Condition).flatMap(([test, keys]) =>
    Object.entries(keys).map(
      ([variable, values]) =>
        `\n    condition {\n      test     = ${text(test)}\n      variable = ${text(variable)}\n      values   = ${list(values)}\n    }`,
    ),
  )
  return [
    '  statement {',
    `    sid       = ${text(Sid)}`,
    `    actions   = ${list(Action)}`,
    `    resources = ${list(Resource)}`,
    ...(Principal
      ? [
          `\n    principals {\n      type        = "AWS"\n      identifiers = ${list(Principal.AWS)}\n    }`,
        ]
      : []),
    ...conditions,
    '  }',
  ].join('\n')
}

const list = (values: string | string[]) => `[${[values].flat().map(text).join(', ')}]`

/** Quotes a string for HCL, where `$${` and `%%{` are the escapes of `${` and `%{`. */
const text = (value: string) => JSON.stringify(value).replace(/([$%])\{/g, '$1$1{')
