import { openingsOf, type Opening, type OpeningsOptions } from './openings.js'
import { statementsFor, type Statement } from './statement.js'

/** What a function's role needs: kms:Decrypt, on just these keys, with just these contexts. */
export async function runtimePolicy(options: OpeningsOptions = {}): Promise<Statement[]> {
  return decryptStatements(await openingsOf(options))
}

export const decryptStatements = (openings: Opening[]): Statement[] =>
  statementsFor('kms:Decrypt', 'OpenSecrets', openings)
