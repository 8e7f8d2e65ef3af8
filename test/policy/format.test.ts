import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FORMATS, formatPolicy } from '../../src/policy/format.js'
import { keyPolicyParts } from '../../src/policy/key-policy.js'
import { decryptStatements } from '../../src/policy/runtime-policy.js'
import { KEY_ARN } from '../support/project.js'

const ROLE = 'arn:aws:iam::111122223333:role/orders'
const request = { keyArn: KEY_ARN, encryptionContext: { app: 'orders', 'a b': 'x"y' } }
const statements = decryptStatements([request])
const ofKey = keyPolicyParts(statements, ROLE)[0]!.statements

it('JSON is a policy document, and for a key the missing statement', () => {
  expect(JSON.parse(formatPolicy(statements, 'json', 'runtime'))).toEqual({
    Version: '2012-10-17',
    Statement: statements,
  })
  expect(JSON.parse(formatPolicy(ofKey, 'json', 'key'))).toEqual(ofKey)
})

it('Terraform is a data source aws_iam_policy_document', () => {
  expect(formatPolicy(ofKey, 'terraform', 'key')).toBe(`\
data "aws_iam_policy_document" "unplugin_kms_key" {
  statement {
    sid       = "OpenSecrets"
    actions   = ["kms:Decrypt"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["${ROLE}"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:a b"
      values   = ["x\\"y"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:app"
      values   = ["orders"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "kms:EncryptionContextKeys"
      values   = ["a b", "app"]
    }
  }
}`)
})

it('Terraform escapes templates in a context', () => {
  fc.assert(
    fc.property(fc.constantFrom('$', '%', '$$', '%%'), fc.string(), (sign, name) => {
      const value = `${sign}{path.root}${name}`
      const hcl = formatPolicy(
        decryptStatements([{ keyArn: KEY_ARN, encryptionContext: { a: value } }]),
        'terraform',
        'runtime',
      )
      expect(hcl.replace(/(\$\$|%%)\{/g, '')).not.toMatch(/[$%]\{/)
    }),
  )
})

it('CloudFormation is YAML of a role, SAM of a function', () => {
  const policy = (indent: string, ...first: string[]) =>
    [
      ...first,
      'Version: "2012-10-17"',
      'Statement:',
      '  - Sid: "OpenSecrets"',
      '    Effect: "Allow"',
      '    Action: "kms:Decrypt"',
      `    Resource: "${KEY_ARN}"`,
      '    Condition:',
      '      StringEquals:',
      '        "kms:EncryptionContext:a b": "x\\"y"',
      '        "kms:EncryptionContext:app": "orders"',
      '      "ForAllValues:StringEquals":',
      '        "kms:EncryptionContextKeys":',
      '          - "a b"',
      '          - "app"',
    ].join(`\n${indent}`)
  expect(formatPolicy(statements, 'sam', 'runtime')).toBe(
    `# AWS::Serverless::Function, Properties\nPolicies:\n  - ${policy('    ')}`,
  )
  expect(formatPolicy(statements, 'cloudformation', 'runtime')).toBe(
    `# AWS::IAM::Role, Properties\nPolicies:\n  - PolicyName: "unplugin-kms-runtime"\n    PolicyDocument:\n      ${policy('      ')}`,
  )
})

it('CDK is TypeScript that creates the same statement', () => {
  const made: unknown[] = []
  const add = (statement: unknown) => void made.push(statement)
  const iam = {
    PolicyStatement: class {
      given: object
      constructor(given: object) {
        this.given = given
      }
    },
    ArnPrincipal: class {
      arn: string
      constructor(arn: string) {
        this.arn = arn
      }
    },
  }
  const run = (code: string): unknown =>
    runInNewContext(code, {
      fn: { addToRolePolicy: add },
      key: { addToResourcePolicy: add },
      role: { addToPolicy: add },
      iam,
    })
  run(formatPolicy(statements, 'cdk', 'runtime'))
  run(formatPolicy(ofKey, 'cdk', 'key'))
  run(formatPolicy(statements, 'cdk', 'build'))
  const common = { sid: 'OpenSecrets', actions: ['kms:Decrypt'] }
  const conditions = statements[0]!.Condition
  expect(made).toMatchObject([
    { given: { ...common, resources: [KEY_ARN], conditions } },
    { given: { ...common, resources: ['*'], conditions, principals: [{ arn: ROLE }] } },
    { given: { ...common, resources: [KEY_ARN], conditions } },
  ])
})

it('every format contains each key ARN and each pair of the context', () => {
  for (const format of FORMATS) {
    const text = formatPolicy(statements, format, 'runtime')
    for (const part of [KEY_ARN, 'kms:EncryptionContext:app', 'orders', 'x\\"y', 'a b'])
      expect(text).toContain(part)
  }
})
