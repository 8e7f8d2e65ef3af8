// What the entries of a bundle contain that set environment variables. The build of this package makes
// an expression of it that uses no global name but `globalThis`, so that no name of a bundle hides one.
export { deferModule } from './deferred-module.js'
export { processEnv } from './process-env.js'
export { direct, envelope } from './shim.js'
export { openToken } from './open-token.js'
