import type { DataKeyPair } from '../../src/crypto/data-key-pair.js'
import { sealToText } from '../../src/crypto/seal.js'
import type { Kind } from '../../src/crypto/token.js'
import { pairModuleCode } from '../../src/pipeline/emit/shim.js'
import { localPair } from '../support/project.js'

/** The call of `envelope` in a bundle, without the rest of the module. */
export const opened = (pair: DataKeyPair) => /envelope\(.*\)/.exec(pairModuleCode(pair, {}, {}))![0]

export const sealed = (pair: DataKeyPair, value = 'hunter2', kind: Kind = 'literal', name = '') =>
  sealToText(pair, kind, Buffer.from(value), name)

/** A bundle of one pair and one secret, `DB_PASSWORD`, with its parts to build others from. */
export async function small() {
  const pair = localPair()
  const token = await sealed(pair)
  const [call, use] = [opened(pair), `open("${token}", "DB_PASSWORD")`]
  return { pair, token, call, use, code: `const open = ${call};\nexport const p = ${use};\n` }
}
