export { decrypt, decryptEnv, type DecryptEnvOptions, type DecryptOptions } from './by-hand.js'
export { configure, type Configuration } from './configure.js'
export type { KmsSecretErrorCode } from './error.js'
export { KmsSecretError } from './instance.js'
