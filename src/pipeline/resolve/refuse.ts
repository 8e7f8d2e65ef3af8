import type { Mark } from '../collect/mark.js'
import { KmsBuildError, type BuildErrorCode } from '../../errors.js'

/** The name that a mark goes by in messages, manifests and inspected objects; never a value. */
export function nameOf({ source, argument, detail, place }: Mark): string {
  if (source === 'literal' || source === 'ciphertext') return `${place.file}:${place.line}`
  if (detail === undefined) return argument
  return source === 'from' ? `${argument}:${detail}` : `${argument}#${detail}`
}

/** The mark as its author wrote it, a literal aside. */
export function shown({ source, argument, detail }: Mark): string {
  if (source === 'literal' || source === 'ciphertext') return `this ${source}`
  return `secret.${source}('${argument}'${detail === undefined ? '' : `, '${detail}'`})`
}

export const refuse = (code: BuildErrorCode, message: string, { place }: Mark): never => {
  throw new KmsBuildError(code, message, place)
}
