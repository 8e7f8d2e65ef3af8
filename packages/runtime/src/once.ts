/** Runs `begin` once for however many ask: a success is kept, a failure never. */
export function once<T>(begin: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | undefined
  return () =>
    (kept ??= begin().catch((error) => {
      kept = undefined
      throw error
    }))
}
