import type { Operations } from '../protocol/service.js'
import { DeleteSecret, RestoreSecret } from './delete-secret.js'
import { DescribeSecret, ListSecrets } from './describe-secrets.js'
import {
  GetSecretValue,
  ListSecretVersionIds,
  PutSecretValue,
  UpdateSecretVersionStage,
} from './versions.js'
import { CreateSecret, UpdateSecret } from './write-secret.js'

/** The operations of `secretsmanager`. */
export const secretsManagerOperations = {
  CreateSecret,
  UpdateSecret,
  PutSecretValue,
  GetSecretValue,
  DescribeSecret,
  ListSecrets,
  ListSecretVersionIds,
  UpdateSecretVersionStage,
  DeleteSecret,
  RestoreSecret,
} satisfies Operations
