// As entry-sync.ts, for variables of which some are sealed to an ML-KEM pair.
export * from './entry-sync.js'
export { mlKemEnvelopeSync } from './ml-kem-sync.js'
