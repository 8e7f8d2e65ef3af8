/** A grant that a test creates without a call to KMS. */
export interface GrantToCreate {
  /** A key ARN. */
  key: string
  /** The ARN of a user, a role or a role's session. */
  granteePrincipal: string
  retiringPrincipal?: string
  /** `Decrypt`, `Encrypt`, … */
  operations: string[]
  /** The grant allows requests with exactly this encryption context. Default: any. */
  encryptionContextEquals?: Record<string, string>
  /** The grant allows requests whose encryption context includes these pairs. */
  encryptionContextSubset?: Record<string, string>
}
