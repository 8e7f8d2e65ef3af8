export { KmsSecretError, type KmsSecretErrorCode } from './error.js'
