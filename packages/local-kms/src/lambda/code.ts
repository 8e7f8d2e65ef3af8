import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import type { Code } from '../account/lambda-function.js'

/** The end-of-central-directory record of a zip without files. */
const EMPTY_ZIP = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)])

export interface CodeFacts {
  size: number
  /** Base64. */
  sha256: string
}

const factsOfBytes = new WeakMap<Uint8Array, CodeFacts>()
const factsOfFiles = new Map<string, CodeFacts & { modifiedAt: number }>()

/** Returns the size and hash of a deployment package. Each is read once. */
export function codeFacts(code: Code = EMPTY_ZIP): CodeFacts {
  if (typeof code !== 'string') {
    const facts = factsOfBytes.get(code) ?? factsOf(code)
    factsOfBytes.set(code, facts)
    return facts
  }
  const { size, mtimeMs: modifiedAt } = statSync(code)
  const known = factsOfFiles.get(code)
  if (known?.size === size && known.modifiedAt === modifiedAt) return known
  const facts = { ...factsOf(readFileSync(code)), modifiedAt }
  factsOfFiles.set(code, facts)
  return facts
}

const factsOf = (bytes: Uint8Array): CodeFacts => ({
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('base64'),
})

export const readCode = (code: Code = EMPTY_ZIP): Buffer =>
  typeof code === 'string'
    ? readFileSync(code)
    : Buffer.from(code.buffer, code.byteOffset, code.byteLength)
