import { KmsBuildError } from '../errors.js'

const KEY_ARN =
  /^arn:(aws[a-z-]*):kms:([a-z]{2}[a-z0-9-]*-\d+):(\d{12}):key\/((?:mrk-)?[0-9a-f-]{32,36})$/

export interface KeyArn {
  partition: string
  region: string
  account: string
  /** The part after `key/`: a UUID, or `mrk-` and 32 hex digits for a multi-Region key. */
  keyId: string
}

/** Parses a key ARN. Strict, because the bundle sends signed requests to its region. */
export function parseKeyArn(text: string): KeyArn | null {
  const match = KEY_ARN.exec(text)
  return match && { partition: match[1]!, region: match[2]!, account: match[3]!, keyId: match[4]! }
}

/** Parses a key ARN from a file or an answer of KMS. @throws KmsBuildError SECRETS_FILE_INVALID. */
export function expectKeyArn(text: string, where: string): KeyArn {
  const arn = parseKeyArn(text)
  if (arn) return arn
  throw new KmsBuildError(
    'SECRETS_FILE_INVALID',
    `${where} is not a key ARN (arn:aws:kms:REGION:ACCOUNT:key/ID). An alias can be repointed: name the key itself.`,
  )
}

/** Returns whether several keys are one multi-Region key: each decrypts the same CiphertextBlob. */
export const areRelated = (arns: KeyArn[]) =>
  new Set(arns.map(({ keyId, account }) => `${account} ${keyId}`)).size === 1 &&
  arns[0]!.keyId.startsWith('mrk-')
