export { decryptSources } from './decrypt.js'
export type { Edited } from './edit.js'
export { encryptBlob, type EncryptBlobOptions } from './encrypt-blob.js'
export { encryptSources, findPlaintextLiterals, type ChangedSource } from './encrypt.js'
