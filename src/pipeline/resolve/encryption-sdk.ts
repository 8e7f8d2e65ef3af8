/** Whether base64 is an AWS Encryption SDK message, by its version and suite: kms:Decrypt opens none. */
export const isEncryptionSdkMessage = (base64: string) => /^(?:AgV4|AgR4|AYAD)/.test(base64)
