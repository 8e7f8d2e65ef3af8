import { type PolicyOf, documentOf, type Statement } from './statement.js'

/** Writes `Policies` of an AWS::IAM::Role, or statements of the KeyPolicy of an AWS::KMS::Key. */
export function cloudFormation(statements: Statement[], of: PolicyOf): string {
  if (of === 'key') return keyPolicy(statements)
  const policy = { PolicyName: `unplugin-kms-${of}`, PolicyDocument: documentOf(statements) }
  return `# AWS::IAM::Role, Properties\n${yaml({ Policies: [policy] })}`
}

/** Writes `Policies` of an AWS::Serverless::Function; CloudFormation for roles of builds and for keys. */
export function sam(statements: Statement[], of: PolicyOf): string {
  if (of !== 'runtime') return cloudFormation(statements, of)
  return `# AWS::Serverless::Function, Properties\n${yaml({ Policies: [documentOf(statements)] })}`
}

const keyPolicy = (statements: Statement[]) =>
  `# AWS::KMS::Key, Properties.KeyPolicy.Statement\n${yaml(statements)}`

type Yaml = string | Yaml[] | { [key: string]: Yaml | undefined }

/** Writes YAML in block style. Strings are quoted as in JSON, which is valid YAML. */
function yaml(value: unknown, indent = ''): string {
  const node = value as Yaml
  if (typeof node === 'string') return JSON.stringify(node)
  if (Array.isArray(node)) {
    return node.map((item) => `${indent}- ${yaml(item, `${indent}  `).trimStart()}`).join('\n')
  }
  return Object.entries(node)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => {
      const name = /^[A-Za-z]+$/.test(key) ? key : JSON.stringify(key)
      return typeof item === 'string'
        ? `${indent}${name}: ${yaml(item)}`
        : `${indent}${name}:\n${yaml(item, `${indent}  `)}`
    })
    .join('\n')
}
