/** A KMS CiphertextBlob that is a secret itself, in base64, and the key that opens it. */
export interface WrappedSecret {
  /** The key ARN. */
  keyId: string
  ciphertextBlob: string
  /** Absent for a symmetric key. */
  algorithm?: string
}

/** A secret with its own CiphertextBlobs: one per region. */
export interface Direct {
  wrapped: WrappedSecret[]
  encryptionContext: Record<string, string>
}
