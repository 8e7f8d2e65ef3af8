import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { describeAnswers, type AnswerRow, type Subject } from '../answers.js'

const sm = ({ ask }: Subject, operation: string, input: object = {}) =>
  ask(`secretsmanager:${operation}`, input)
const create = (s: Subject, more: object = {}) =>
  sm(s, 'CreateSecret', {
    Name: s.name,
    SecretString: 'one',
    ClientRequestToken: randomUUID(),
    ...more,
  })
const put = (s: Subject, SecretString: string) =>
  sm(s, 'PutSecretValue', { SecretId: s.name, SecretString, ClientRequestToken: randomUUID() })
const about = (s: Subject) => sm(s, 'DescribeSecret', { SecretId: s.name })

const INVALID_NAME =
  'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!'
const NOT_FOUND = "Secrets Manager can't find the specified secret."
const MARKED = "You can't perform this operation on the secret because it was marked for deletion."

const invalidNames = ['Inv Name', ' Inv Name', ' Inv*Name? ', ' Inv *?!]Name\\\\-'].flatMap(
  (SecretId) =>
    [
      ['CreateSecret', { Name: SecretId }],
      ['DeleteSecret', { SecretId }],
      ['DescribeSecret', { SecretId }],
      ['GetSecretValue', { SecretId }],
      ['ListSecretVersionIds', { SecretId, IncludeDeprecated: true }],
      ['PutSecretValue', { SecretId, SecretString: 'x', ClientRequestToken: randomUUID() }],
      ['RestoreSecret', { SecretId }],
      ['UpdateSecret', { SecretId, Description: 'x' }],
      ['UpdateSecretVersionStage', { SecretId, VersionStage: 'A', MoveToVersionId: randomUUID() }],
    ].map(([operation, input]): AnswerRow => [
      'R',
      `rejects the name ${JSON.stringify(SecretId)} in ${operation as string}`,
      (s) => sm(s, operation as string, input as object),
      ['ValidationException', INVALID_NAME],
    ]),
)

describeAnswers('Secrets Manager', [
  ...invalidNames,
  [
    'D',
    'rejects a recovery window together with a forced deletion',
    async (s) => {
      await create(s)
      return sm(s, 'DeleteSecret', {
        SecretId: s.name,
        RecoveryWindowInDays: 7,
        ForceDeleteWithoutRecovery: true,
      })
    },
    [
      'InvalidParameterException',
      "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    ],
  ],
  [
    'D',
    'keeps the secret after a rejected deletion',
    async (s) => {
      await create(s)
      await sm(s, 'DeleteSecret', {
        SecretId: s.name,
        RecoveryWindowInDays: 7,
        ForceDeleteWithoutRecovery: true,
      })
      return sm(s, 'GetSecretValue', { SecretId: s.name })
    },
    (answer) => expect(answer.body['SecretString']).toBe('one'),
  ],
  ...[6, 31].map((days): AnswerRow => [
    'D',
    `rejects a recovery window of ${days} days`,
    async (s) => {
      await create(s)
      return sm(s, 'DeleteSecret', { SecretId: s.name, RecoveryWindowInDays: days })
    },
    ['InvalidParameterException', /between 7 and 30 days/],
  ]),
  [
    'V',
    'succeeds in the forced deletion of a missing secret',
    (s) => sm(s, 'DeleteSecret', { SecretId: s.name, ForceDeleteWithoutRecovery: true }),
    (answer) => expect(Object.keys(answer.body)).toEqual(['ARN', 'Name', 'DeletionDate']),
  ],
  [
    'D',
    'fails in the deletion of a missing secret',
    (s) => sm(s, 'DeleteSecret', { SecretId: s.name }),
    ['ResourceNotFoundException', NOT_FOUND],
  ],
  [
    'R',
    'succeeds in the forced deletion of a secret marked for deletion',
    async (s) => {
      await create(s)
      await sm(s, 'DeleteSecret', { SecretId: s.name })
      return sm(s, 'DeleteSecret', { SecretId: s.name, ForceDeleteWithoutRecovery: true })
    },
    '200',
  ],
  [
    'R',
    'creates a secret again after its forced deletion',
    async (s) => {
      await create(s)
      await sm(s, 'DeleteSecret', { SecretId: s.name, ForceDeleteWithoutRecovery: true })
      return create(s)
    },
    '200',
  ],
  [
    'R',
    'does not create a secret whose name is scheduled for deletion',
    async (s) => {
      await create(s)
      await sm(s, 'DeleteSecret', { SecretId: s.name })
      return create(s)
    },
    [
      'InvalidRequestException',
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    ],
  ],
  [
    'R',
    'rejects a staging label that the named version does not have',
    async (s) => {
      const { body } = await create(s)
      return sm(s, 'GetSecretValue', {
        SecretId: s.name,
        VersionId: body['VersionId'],
        VersionStage: 'AWSPREVIOUS',
      })
    },
    [
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    ],
  ],
  [
    'R',
    'does not find a staging label that no version has',
    async (s) => {
      await create(s)
      return sm(s, 'GetSecretValue', { SecretId: s.name, VersionStage: 'AWSPREVIOUS' })
    },
    [
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
    ],
  ],
  [
    'R',
    'names the message of an error `Message`',
    (s) => about(s),
    (answer) =>
      expect(answer.body).toEqual({ __type: 'ResourceNotFoundException', Message: NOT_FOUND }),
  ],
  [
    'D',
    'names the message of a validation error `Message`',
    (s) => sm(s, 'DescribeSecret'),
    (answer) => expect(Object.keys(answer.body)).toEqual(['__type', 'Message']),
  ],
  [
    'R',
    'omits empty members of a description',
    async (s) => {
      await sm(s, 'CreateSecret', { Name: s.name, Description: '', Tags: [] })
      return about(s)
    },
    (answer) =>
      expect(Object.keys(answer.body)).toEqual(['ARN', 'Name', 'CreatedDate', 'LastChangedDate']),
  ],
  [
    'R',
    'has no LastAccessedDate before the value is read',
    async (s) => {
      await create(s)
      return about(s)
    },
    (answer) => expect(answer.body).not.toHaveProperty('LastAccessedDate'),
  ],
  [
    'R',
    'has the day of the last read as LastAccessedDate',
    async (s) => {
      await create(s)
      await sm(s, 'GetSecretValue', { SecretId: s.name })
      return about(s)
    },
    (answer) => expect(answer.body['LastAccessedDate'] % 86_400).toBe(0),
  ],
  [
    'R',
    'does not find a secret by a partial ARN that ends like a complete one',
    async (s) => {
      const { body } = await create({ ...s, name: `${s.name}-a1b2c3` })
      return sm(s, 'GetSecretValue', { SecretId: body['ARN'].slice(0, -7) })
    },
    ['ResourceNotFoundException', NOT_FOUND],
  ],
  [
    'D',
    'finds a secret by a partial ARN',
    async (s) => {
      const { body } = await create(s)
      return sm(s, 'GetSecretValue', { SecretId: body['ARN'].slice(0, -7) })
    },
    '200',
  ],
  [
    'R',
    'updates a description without a new version',
    async (s) => {
      await create(s)
      return sm(s, 'UpdateSecret', { SecretId: s.name, Description: 'new' })
    },
    (answer) => expect(Object.keys(answer.body)).toEqual(['ARN', 'Name']),
  ],
  [
    'R',
    'updates a value and moves AWSCURRENT and AWSPREVIOUS',
    async (s) => {
      await create(s)
      await sm(s, 'UpdateSecret', {
        SecretId: s.name,
        SecretString: 'two',
        ClientRequestToken: randomUUID(),
      })
      return about(s)
    },
    (answer) =>
      expect(Object.values(answer.body['VersionIdsToStages'])).toEqual([
        ['AWSPREVIOUS'],
        ['AWSCURRENT'],
      ]),
  ],
  [
    'D',
    'rejects an update of a secret marked for deletion',
    async (s) => {
      await create(s)
      await sm(s, 'DeleteSecret', { SecretId: s.name })
      return sm(s, 'UpdateSecret', { SecretId: s.name, Description: 'new' })
    },
    ['InvalidRequestException', MARKED],
  ],
  [
    'D',
    'encrypts the labelled versions again when the KMS key changes',
    async (s) => {
      const keys = [await s.kms.createKey(), await s.kms.createKey()]
      await create(s, { KmsKeyId: keys[0]!.keyId })
      await sm(s, 'UpdateSecret', { SecretId: s.name, KmsKeyId: keys[1]!.keyId })
      await s.ask('DisableKey', { KeyId: keys[0]!.keyId })
      return sm(s, 'GetSecretValue', { SecretId: s.name })
    },
    (answer) => expect(answer.body['SecretString']).toBe('one'),
  ],
  [
    'D',
    'restores a secret marked for deletion',
    async (s) => {
      await create(s)
      await sm(s, 'DeleteSecret', { SecretId: s.name })
      await sm(s, 'RestoreSecret', { SecretId: s.name })
      return sm(s, 'GetSecretValue', { SecretId: s.name })
    },
    (answer) => expect(answer.body['SecretString']).toBe('one'),
  ],
  [
    'R',
    'lists a secret with SecretVersionsToStages',
    async (s) => {
      await create(s)
      return sm(s, 'ListSecrets', { Filters: [{ Key: 'name', Values: [s.name] }] })
    },
    (answer) =>
      expect(answer.body['SecretList']).toMatchObject([
        { SecretVersionsToStages: expect.anything() },
      ]),
  ],
  [
    'D',
    'lists secrets in pages, by name',
    async (s) => {
      for (const letter of ['a', 'b', 'c']) await create({ ...s, name: `${s.name}-${letter}` })
      const request = {
        MaxResults: 2,
        SortBy: 'name',
        SortOrder: 'asc',
        Filters: [{ Key: 'name', Values: [s.name] }],
      }
      const { body } = await sm(s, 'ListSecrets', request)
      return sm(s, 'ListSecrets', { ...request, NextToken: body['NextToken'] })
    },
    (answer) =>
      expect(answer.body).toMatchObject({ SecretList: [{ Name: expect.stringMatching(/-c$/) }] }),
  ],
  [
    'D',
    'lists secrets marked for deletion only on request',
    async (s) => {
      await create(s)
      await sm(s, 'DeleteSecret', { SecretId: s.name })
      const Filters = [{ Key: 'name', Values: [s.name] }]
      const { body } = await sm(s, 'ListSecrets', { Filters })
      expect(body['SecretList']).toEqual([])
      return sm(s, 'ListSecrets', { Filters, IncludePlannedDeletion: true })
    },
    (answer) => expect(answer.body['SecretList']).toHaveLength(1),
  ],
  [
    'D',
    'filters secrets by tag, and negates a filter',
    async (s) => {
      await create(s, { Tags: [{ Key: s.name, Value: 'v' }] })
      const tagged = await sm(s, 'ListSecrets', { Filters: [{ Key: 'tag-key', Values: [s.name] }] })
      expect(tagged.body['SecretList']).toHaveLength(1)
      return sm(s, 'ListSecrets', {
        Filters: [
          { Key: 'name', Values: [s.name] },
          { Key: 'tag-value', Values: ['!v'] },
        ],
      })
    },
    (answer) => expect(answer.body['SecretList']).toEqual([]),
  ],
  [
    'D',
    'rejects an invalid token of a list',
    (s) => sm(s, 'ListSecrets', { NextToken: 'x' }),
    ['InvalidNextTokenException', /./],
  ],
  [
    'D',
    'lists unlabelled versions only on request',
    async (s) => {
      await create(s)
      for (const value of ['two', 'three']) await put(s, value)
      const { body } = await sm(s, 'ListSecretVersionIds', { SecretId: s.name })
      expect(body['Versions']).toHaveLength(2)
      return sm(s, 'ListSecretVersionIds', { SecretId: s.name, IncludeDeprecated: true })
    },
    (answer) => expect(answer.body['Versions']).toHaveLength(3),
  ],
])
