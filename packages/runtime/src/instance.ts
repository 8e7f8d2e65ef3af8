import { KmsSecretError as Own } from './error.js'

/**
 * A secret that could not be opened. Every bundle carries a copy of the class; `instanceof` with this
 * one knows them all.
 */
export const KmsSecretError: typeof Own = Object.defineProperty(Own, Symbol.hasInstance, {
  value: (error: unknown) => error instanceof Error && error.name === 'KmsSecretError',
})
export type KmsSecretError = Own
