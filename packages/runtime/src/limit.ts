let free = 8
const waiting: (() => void)[] = []

/** Runs at most eight functions at a time. The others wait, in the order of the calls. */
export async function limit<T>(run: () => Promise<T>): Promise<T> {
  if (free-- < 1) await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await run()
  } finally {
    free++
    waiting.shift()?.()
  }
}
