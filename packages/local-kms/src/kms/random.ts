import { randomBytes } from 'node:crypto'
import { AwsError } from '../errors.js'
import { integer, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeAccount } from './authorize.js'

export const GenerateRandom = operation(
  {
    NumberOfBytes: integer({ min: 1, max: 1024 }),
    CustomKeyStoreId: unsupported(),
    Recipient: unsupported(),
  },
  (call, { NumberOfBytes }) => {
    if (NumberOfBytes === undefined) {
      throw new AwsError('ValidationException', 'NumberOfBytes is required.')
    }
    authorizeAccount(call, 'GenerateRandom')
    return { Plaintext: randomBytes(NumberOfBytes) }
  },
)
