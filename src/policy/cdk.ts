import type { PolicyOf, Statement } from './statement.js'

const METHODS: Record<PolicyOf, string> = {
  runtime: 'fn.addToRolePolicy',
  build: 'role.addToPolicy',
  key: 'key.addToResourcePolicy',
}

/** Writes TypeScript for `aws-cdk-lib`, which imports `iam` from it. */
export const cdk = (statements: Statement[], of: PolicyOf): string =>
  statements.map((statement) => `${METHODS[of]}(${policyStatement(statement)})`).join('\n')

function policyStatement({ Sid, Action, Resource, Principal, Condition }: Statement): string {
  const properties = {
    sid: JSON.stringify(Sid),
    ...(Principal && { principals: `[new iam.ArnPrincipal(${JSON.stringify(Principal.AWS)})]` }),
    actions: JSON.stringify([Action]),
    resources: JSON.stringify([Resource].flat()),
    ...(Condition && { conditions: JSON.stringify(Condition, null, 2).replaceAll('\n', '\n  ') }),
  }
  const lines = Object.entries(properties).map(([name, value]) => `  ${name}: ${value},`)
  return `new iam.PolicyStatement({\n${lines.join('\n')}\n})`
}
