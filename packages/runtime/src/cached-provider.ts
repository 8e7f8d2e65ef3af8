import type { CredentialIdentity, CredentialProvider } from './configure.js'
import type { Failure } from './error.js'

/** Credentials with the time when they expire. */
export interface ExpiringIdentity extends CredentialIdentity {
  expiration: Date
}

/**
 * Returns a provider that fetches credentials once for all callers, keeps them until five minutes
 * before they expire, and fetches them again when AWS rejected them. If a renewal fails, the old ones
 * serve until they expire.
 */
export function cachedProvider(fetchIdentity: () => Promise<ExpiringIdentity>): CredentialProvider {
  let cached: ExpiringIdentity | undefined
  let pending: Promise<ExpiringIdentity> | undefined
  const validFor = (ms: number) => cached && cached.expiration.getTime() - ms > Date.now()
  return async ({ forceRefresh = false } = {}) => {
    if (cached && !forceRefresh && validFor(300_000)) return cached
    pending ??= fetchIdentity().finally(() => (pending = undefined))
    try {
      return (cached = await pending)
    } catch (error) {
      if (cached && !forceRefresh && validFor(0)) return cached
      throw error
    }
  }
}

/** Creates the failure of credentials that do not exist, which no retry helps. */
export const missing = (why: string): Failure => ({ code: 'CREDENTIALS_MISSING', why })
