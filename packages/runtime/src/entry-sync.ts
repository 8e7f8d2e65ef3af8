// As entry.ts, for entries that block until the variables are set.
export { processEnvSync } from './process-env.js'
export { directSync, envelopeSync } from './sync.js'
export { openToken } from './open-token.js'
