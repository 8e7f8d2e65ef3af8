/**
 * Whether this run tries all combinations, as `npm run test:matrix` does. `npm test` tries enough of them that each
 * bundler, format and kind of mark occurs.
 */
export const triesAll = process.env.COMBINATIONS === 'all'

/** Returns one part of a list in turn; all of it where a run tries all combinations. */
export function shareOf<T>(all: readonly T[], part: number, parts: number): T[] {
  return triesAll ? [...all] : all.filter((_, at) => at % parts === part % parts)
}

/** Returns how many random inputs a property is tested with: a fifth, or all where a run tries all combinations. */
export function runsOf(all: number): number {
  return triesAll ? all : Math.ceil(all / 5)
}
