import { showProgress } from './progress.js'

/** What a build's fetches from elsewhere have in common. */
export interface Fetching {
  /** Fetches a reference once a session, however many marks name it. A failure is not kept. */
  once<T>(reference: string, fetch: () => Promise<T>): Promise<T>
  /** Runs at most so many at a time, the others in the order of their coming. */
  bounded<T>(run: () => Promise<T>): Promise<T>
}

/** @param concurrency how many requests are under way at once. */
export function createFetching(concurrency = 8, progress = showProgress()): Fetching {
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
