import {
  decryptRequestsOf,
  type DecryptRequest,
  type DecryptRequestsOptions,
} from './decrypt-requests.js'
import { statementsFor, type Statement } from './statement.js'

/** Returns the statements that a function's role needs: kms:Decrypt on its keys with its contexts. */
export async function runtimePolicy(options: DecryptRequestsOptions = {}): Promise<Statement[]> {
  return decryptStatements(await decryptRequestsOf(options))
}

export const decryptStatements = (requests: DecryptRequest[]): Statement[] =>
  statementsFor('kms:Decrypt', 'OpenSecrets', requests)
