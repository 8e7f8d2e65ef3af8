import { showProgress, type Progress } from './progress.js'

/** Fetches values from sources for a build. */
export interface Fetcher {
  /** Fetches a reference once per session, however many marks name it. Failures are not cached. */
  once<T>(reference: string, fetch: () => Promise<T>): Promise<T>
  /** Runs with limited concurrency, in the order of the calls. */
  bounded<T>(run: () => Promise<T>): Promise<T>
}

/** @param concurrency the largest number of concurrent requests. */
export function createFetcher(
  concurrency = 8,
  progress: Pick<Progress, 'begin' | 'end'> = showProgress(),
): Fetcher {
  const known = new Map<string, Promise<unknown>>()
  const waiting: (() => void)[] = []
  let free = concurrency
  return {
    once<T>(reference: string, fetch: () => Promise<T>) {
      let fetched = known.get(reference) as Promise<T> | undefined
      if (fetched) return fetched
      progress.begin()
      fetched = fetch()
      known.set(reference, fetched)
      fetched.catch(() => known.delete(reference)).finally(progress.end)
      return fetched
    },
    async bounded(run) {
      if (free) free--
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await run()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else free++
      }
    },
  }
}
