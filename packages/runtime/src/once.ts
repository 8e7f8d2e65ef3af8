/** Returns a function that calls `begin` once for all callers. Keeps a success, never a failure. */
export const once =
  <T>(begin: () => Promise<T>, kept?: Promise<T>): (() => Promise<T>) =>
  () =>
    (kept ??= begin().catch((error) => {
      kept = undefined
      throw error
    }))
