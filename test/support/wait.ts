/** Options of `vi.waitFor`. Only a hang should reach the limit: a slow or busy machine must not fail a test. */
export const WAIT = { timeout: 290_000, interval: 100 }
