import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { OPERATIONS } from '../../src/server/services.js'

const README = new URL('../../README.md', import.meta.url)
const SECTION = /(<!-- operations: [^]*?-->\n)[^]*?(<!-- \/operations -->)/
const NAMES: Record<string, string> = {
  kms: 'KMS',
  ssm: 'SSM Parameter Store',
  secretsmanager: 'Secrets Manager',
  sts: 'STS',
  iam: 'IAM',
  lambda: 'Lambda',
  s3: 'S3, for the code of functions',
  ec2: 'EC2',
}

function table(): string {
  const rows = Object.entries(OPERATIONS).map(
    ([service, operations]) =>
      `| ${NAMES[service]} | ${Object.keys(operations).toSorted().join(', ')} |`,
  )
  return ['| service | operations |', '| --- | --- |', ...rows].join('\n')
}

it('lists the served operations in the README', async () => {
  const text = await readFile(README, 'utf8')
  expect(text).toMatch(SECTION)
  await expect(text.replace(SECTION, `$1${table()}\n$2`)).toMatchFileSnapshot(README.pathname)
})
