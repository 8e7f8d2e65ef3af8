import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { describeAnswers, type Subject } from '../answers.js'

const put = ({ ask }: Subject, Name: string, more: object = {}) =>
  ask('ssm:PutParameter', { Name, Value: 'value', Type: 'String', ...more })
const get = ({ ask }: Subject, Name: string) => ask('ssm:GetParameter', { Name })
const SUB_PATHS = /sub-paths divided by slash symbol/
const valueOf = (answer: { body: Record<string, { Value?: string }> }) =>
  answer.body['Parameter']?.Value

const secretOf = async ({ ask }: Subject, Name: string) =>
  ask('secretsmanager:CreateSecret', {
    Name,
    SecretString: 'my_secret',
    ClientRequestToken: randomUUID(),
  })
const reference = (name: string) => `/aws/reference/secretsmanager/${name}`

async function putVersions(subject: Subject, Labels: string[]): Promise<void> {
  await put(subject, subject.name)
  if (Labels.length > 0)
    await subject.ask('ssm:LabelParameterVersion', { Name: subject.name, Labels })
  for (let i = 1; i < 100; i++) await put(subject, subject.name, { Overwrite: true })
}

describeAnswers('Parameter Store', [
  [
    'V',
    'reads a parameter `plain` as `/plain`, with the requested name',
    async (s) => {
      await put(s, s.name)
      return get(s, `/${s.name}`)
    },
    (answer) =>
      expect(answer.body['Parameter']).toMatchObject({
        Value: 'value',
        Name: expect.stringMatching(/^\/n/),
      }),
  ],
  [
    'V',
    'reads a parameter `/plain` as `plain`',
    async (s) => {
      await put(s, `/${s.name}`)
      return get(s, s.name)
    },
    (answer) => expect(valueOf(answer)).toBe('value'),
  ],
  [
    'V',
    'does not create a second parameter `/plain` next to `plain`',
    async (s) => {
      await put(s, s.name)
      return put(s, `/${s.name}`)
    },
    ['ParameterAlreadyExists', /already exists/],
  ],
  [
    'V',
    'overwrites `plain` as `/plain`',
    async (s) => {
      await put(s, s.name)
      return put(s, `/${s.name}`, { Overwrite: true })
    },
    (answer) => expect(answer.body['Version']).toBe(2),
  ],
  [
    'V',
    'reads `plain` as `/plain` with GetParameters',
    async (s) => {
      await put(s, s.name)
      return s.ask('ssm:GetParameters', { Names: [`/${s.name}`] })
    },
    (answer) =>
      expect(answer.body).toMatchObject({
        Parameters: [{ Value: 'value' }],
        InvalidParameters: [],
      }),
  ],
  [
    'V',
    'deletes `plain` as `/plain`',
    async (s) => {
      await put(s, s.name)
      await s.ask('ssm:DeleteParameter', { Name: `/${s.name}` })
      return get(s, s.name)
    },
    ['ParameterNotFound', ''],
  ],
  [
    'V',
    'labels `plain` as `/plain`',
    async (s) => {
      await put(s, s.name)
      await s.ask('ssm:LabelParameterVersion', { Name: `/${s.name}`, Labels: ['live'] })
      return get(s, `${s.name}:live`)
    },
    (answer) => expect(valueOf(answer)).toBe('value'),
  ],
  [
    'V',
    'reads a parameter by its ARN, with its own name',
    async (s) => {
      await put(s, s.name)
      const { body } = await get(s, s.name)
      return get(s, body['Parameter'].ARN)
    },
    (answer) => expect(answer.body['Parameter'].Name).toMatch(/^n/),
  ],
  [
    'D',
    'requires a leading slash for a new parameter in a hierarchy',
    (s) => put(s, `${s.name}/b`),
    ['ValidationException', 'Parameter name must be a fully qualified name.'],
  ],
  [
    'D',
    'rejects an empty level in the name of a new parameter',
    (s) => put(s, `/${s.name}//b`),
    ['ValidationException', SUB_PATHS],
  ],
  [
    'V',
    'rejects reading a name in a hierarchy without a leading slash',
    (s) => get(s, `${s.name}/b/c`),
    ['ValidationException', SUB_PATHS],
  ],
  [
    'V',
    'rejects reading a name with an empty level',
    (s) => get(s, `/${s.name}//b`),
    ['ValidationException', SUB_PATHS],
  ],
  [
    'D',
    'rejects a name with a trailing slash',
    (s) => get(s, `/${s.name}/`),
    ['ValidationException', SUB_PATHS],
  ],
  [
    'D',
    'allows 15 levels and rejects 16',
    async (s) => {
      await put(s, `/${s.name}${'/a'.repeat(14)}`).then((answer) => expect(answer.status).toBe(200))
      return put(s, `/${s.name}${'/a'.repeat(15)}`)
    },
    ['HierarchyLevelLimitExceededException', /maximum of 15 levels/],
  ],
  [
    'D',
    'rejects a new parameter with a reserved prefix',
    (s) => put(s, `SSM${s.name}`),
    ['ValidationException', /can't be prefixed with "aws" or "ssm"/],
  ],
  [
    'D',
    'rejects a new parameter below /aws',
    (s) => put(s, `/aws/${s.name}`),
    ['AccessDeniedException', /No access to reserved parameter name/],
  ],
  [
    'V',
    'reads a secret of Secrets Manager',
    async (s) => {
      await secretOf(s, s.name)
      return s.ask('ssm:GetParameter', { Name: reference(s.name), WithDecryption: true })
    },
    (answer) => {
      const { Name, Value, Type, SourceResult } = answer.body['Parameter']
      const source = JSON.parse(SourceResult)
      expect({ Name, Value, Type }).toEqual({
        Name: reference(source.name),
        Value: 'my_secret',
        Type: 'SecureString',
      })
      expect(source.ARN).toContain(':secretsmanager:')
    },
  ],
  [
    'V',
    'reads secrets and parameters with GetParameters',
    async (s) => {
      await secretOf(s, s.name)
      await put(s, s.name)
      const Names = [s.name, reference(s.name), 'missing', reference('missing')]
      return s.ask('ssm:GetParameters', { Names, WithDecryption: true })
    },
    (answer) => {
      expect(answer.body['Parameters'].map(({ Value }: { Value: string }) => Value)).toEqual([
        'value',
        'my_secret',
      ])
      expect(answer.body['InvalidParameters']).toEqual(['missing', reference('missing')])
    },
  ],
  [
    'D',
    'requires WithDecryption to read a secret',
    async (s) => {
      await secretOf(s, s.name)
      return get(s, reference(s.name))
    },
    [
      'ValidationException',
      'WithDecryption flag must be True for retrieving a Secret Manager secret.',
    ],
  ],
  [
    'V',
    'does not find a secret that does not exist',
    ({ ask }) => ask('ssm:GetParameter', { Name: reference('missing'), WithDecryption: true }),
    ['ParameterNotFound', /Secret .*aws\/reference\/secretsmanager\/missing.* not found\./],
  ],
  [
    'V',
    'does not read a secret by its bare name',
    async (s) => {
      await secretOf(s, s.name)
      return s.ask('ssm:GetParameter', { Name: s.name, WithDecryption: true })
    },
    ['ParameterNotFound', ''],
  ],
  [
    'D',
    'checks the permission on a secret that is read as a parameter',
    async (s) => {
      await secretOf(s, s.name)
      const policy = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['ssm:*', 'kms:*'], Resource: '*' }],
      }
      const { credentials } = s.kms.createUser({ name: s.name, policies: [policy] })
      return s.ask(
        'ssm:GetParameter',
        { Name: reference(s.name), WithDecryption: true },
        { credentials },
      )
    },
    ['AccessDeniedException', /not authorized to perform: secretsmanager:GetSecretValue/],
  ],
  [
    'D',
    'keeps a labelled oldest version and rejects version 101',
    async (s) => {
      await putVersions(s, ['keep'])
      return put(s, s.name, { Overwrite: true })
    },
    ['ParameterMaxVersionLimitExceeded', /Version 1, the oldest version, can't be deleted/],
  ],
  [
    'D',
    'drops an unlabelled oldest version for version 101',
    async (s) => {
      await putVersions(s, [])
      return put(s, s.name, { Overwrite: true })
    },
    (answer) => expect(answer.body['Version']).toBe(101),
  ],
  [
    'D',
    'rejects an unknown data type',
    (s) => put(s, s.name, { DataType: 'not_text' }),
    [
      'ValidationException',
      'The following data type is not supported: not_text (Data type names are all lowercase.)',
    ],
  ],
  [
    'D',
    'accepts the data type aws:ec2:image',
    (s) => put(s, s.name, { DataType: 'aws:ec2:image' }),
    '200',
  ],
  [
    'D',
    'lists one level below a path',
    async (s) => {
      for (const name of ['a', 'b', 'c/d']) await put(s, `/${s.name}/${name}`)
      return s.ask('ssm:GetParametersByPath', { Path: `/${s.name}` })
    },
    (answer) => expect(namesOf(answer)).toEqual(['a', 'b']),
  ],
  [
    'D',
    'lists all levels below a path',
    async (s) => {
      for (const name of ['a', 'b', 'c/d']) await put(s, `/${s.name}/${name}`)
      return s.ask('ssm:GetParametersByPath', { Path: `/${s.name}/`, Recursive: true })
    },
    (answer) => expect(namesOf(answer)).toEqual(['a', 'b', 'd']),
  ],
  [
    'D',
    'lists a path in pages',
    async (s) => {
      for (const name of ['a', 'b', 'c']) await put(s, `/${s.name}/${name}`)
      const request = { Path: `/${s.name}`, MaxResults: 2 }
      const { body } = await s.ask('ssm:GetParametersByPath', request)
      return s.ask('ssm:GetParametersByPath', { ...request, NextToken: body['NextToken'] })
    },
    (answer) => expect([namesOf(answer), answer.body['NextToken']]).toEqual([['c'], undefined]),
  ],
  [
    'V',
    'filters a path by label',
    async (s) => {
      await put(s, `/${s.name}/a`)
      await put(s, `/${s.name}/b`)
      await s.ask('ssm:LabelParameterVersion', { Name: `/${s.name}/b`, Labels: ['latest'] })
      return s.ask('ssm:GetParametersByPath', {
        Path: `/${s.name}`,
        ParameterFilters: [{ Key: 'Label', Values: ['latest'] }],
      })
    },
    (answer) => expect(namesOf(answer)).toEqual(['b']),
  ],
  [
    'D',
    'decrypts SecureStrings of a path',
    async (s) => {
      await put(s, `/${s.name}/a`, { Type: 'SecureString' })
      return s.ask('ssm:GetParametersByPath', { Path: `/${s.name}`, WithDecryption: true })
    },
    (answer) => expect(answer.body['Parameters'][0].Value).toBe('value'),
  ],
  [
    'D',
    'rejects a path without a leading slash',
    ({ ask }) => ask('ssm:GetParametersByPath', { Path: 'a' }),
    ['ValidationException', /must begin with a forward slash/],
  ],
  [
    'D',
    'rejects a filter by name in a path',
    ({ ask }) =>
      ask('ssm:GetParametersByPath', {
        Path: '/a',
        ParameterFilters: [{ Key: 'Name', Values: ['a'] }],
      }),
    ['InvalidFilterKey', /filter key is not valid: Name/],
  ],
  [
    'D',
    'rejects an invalid token',
    ({ ask }) => ask('ssm:GetParametersByPath', { Path: '/a', NextToken: 'x' }),
    ['InvalidNextToken', 'The specified token is not valid.'],
  ],
  [
    'D',
    'describes parameters without their values',
    async (s) => {
      await put(s, `/${s.name}/a`, { Description: 'about' })
      return s.ask('ssm:DescribeParameters', {
        ParameterFilters: [{ Key: 'Path', Option: 'Recursive', Values: [`/${s.name}`] }],
      })
    },
    (answer) => {
      const [parameter] = answer.body['Parameters']
      expect(parameter).toMatchObject({
        Description: 'about',
        Tier: 'Standard',
        Version: 1,
        Policies: [],
      })
      expect(parameter).not.toHaveProperty('Value')
    },
  ],
  [
    'D',
    'describes parameters by the start of their names',
    async (s) => {
      await put(s, `${s.name}-a`)
      await put(s, `${s.name}-b`)
      return s.ask('ssm:DescribeParameters', { Filters: [{ Key: 'Name', Values: [s.name] }] })
    },
    (answer) => expect(answer.body['Parameters']).toHaveLength(2),
  ],
  [
    'D',
    'rejects an unknown option of a filter',
    ({ ask }) =>
      ask('ssm:DescribeParameters', {
        ParameterFilters: [{ Key: 'Type', Option: 'Contains', Values: ['String'] }],
      }),
    ['InvalidFilterOption', /filter option is not valid: Contains/],
  ],
  [
    'D',
    'deletes several parameters and returns the names that do not exist',
    async (s) => {
      await put(s, s.name)
      return s.ask('ssm:DeleteParameters', { Names: [s.name, 'missing'] })
    },
    (answer) =>
      expect(answer.body).toEqual({
        DeletedParameters: [expect.stringMatching(/^n/)],
        InvalidParameters: ['missing'],
      }),
  ],
])

const namesOf = (answer: { body: Record<string, { Name: string }[]> }): string[] =>
  answer.body['Parameters']!.map(({ Name }) => Name.split('/').at(-1)!)
