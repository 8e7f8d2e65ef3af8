/** Returns a function that calls `begin` once for all callers. Keeps a success, never a failure. */
export function once<T>(begin: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | undefined
  return () =>
    (kept ??= begin().catch((error) => {
      kept = undefined
      throw error
    }))
}
