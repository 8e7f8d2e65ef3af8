let free = 8
const waiting: (() => void)[] = []

/** Runs at most eight at a time, the others in the order of their coming. */
export async function limit<T>(run: () => Promise<T>): Promise<T> {
  if (free) free--
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await run()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
}
