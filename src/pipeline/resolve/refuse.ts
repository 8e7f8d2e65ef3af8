import { KmsBuildError, type BuildErrorCode } from '../../errors.js'
import type { Mark } from '../collect/mark.js'

export const refuse = (code: BuildErrorCode, message: string, { place }: Mark): never => {
  throw new KmsBuildError(code, message, place)
}
