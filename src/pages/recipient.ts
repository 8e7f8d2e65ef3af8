/** What the page knows of the data key pair that it seals to. */
export interface Recipient {
  /** DER SPKI, base64. */
  publicKey: string
  /** `sha256:` and 64 hex digits. */
  pin: string
  scope: string
}
