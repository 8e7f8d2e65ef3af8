export { decrypt, decryptEnv, type DecryptEnvOptions, type DecryptOptions } from './by-hand.js'
export {
  configure,
  type Configuration,
  type CredentialIdentity,
  type CredentialProvider,
} from './configure.js'
export { KmsSecretError, type KmsSecretErrorCode } from './error.js'
