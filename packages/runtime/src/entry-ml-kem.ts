// As entry.ts, for variables of which some are sealed to an ML-KEM pair.
export * from './entry.js'
export { envelope as mlKemEnvelope } from './ml-kem.js'
