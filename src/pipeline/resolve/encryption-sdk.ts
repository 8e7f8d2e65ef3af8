/** Returns whether base64 is an AWS Encryption SDK message, which kms:Decrypt cannot decrypt. */
export const isEncryptionSdkMessage = (base64: string) => /^(?:AgV4|AgR4|AYAD)/.test(base64)
