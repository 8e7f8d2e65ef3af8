import { expect, it } from 'vitest'
import { checkKeys } from '../../src/secrets-file/pins.js'
import { newSecretsFile } from '../../src/secrets-file/serialize.js'
import { KEY_ARN, localPair } from '../support/project.js'

const file = newSecretsFile('kms-secrets.json', localPair())

it('accepts a secrets file whose keys are named by ARN, by id, by alias or not at all', () => {
  for (const keyIds of [[], [KEY_ARN], [KEY_ARN.split('/')[1]!], ['alias/app'], ['alias/app', 'x']])
    expect(() => checkKeys(file, keyIds)).not.toThrow()
})

it('rejects a secrets file whose key is not among the ARNs and ids of the option keyId', () => {
  const other = KEY_ARN.replace('1111', '2222')
  expect(() => checkKeys(file, [other])).toThrow(/encrypted under|wrapped under.*PIN_MISMATCH/)
})
