import { performance } from 'node:perf_hooks'

type Stage = 'collect' | 'resolve' | 'seal' | 'emit' | 'leak check'

export type Timings = ReturnType<typeof createTimings>

/**
 * Measures each stage, summed over all modules, and prints it to stderr after each build if
 * UNPLUGIN_KMS_DEBUG is `timings`. Modules are sealed concurrently, so a sum may exceed the
 * duration of the build.
 */
export function createTimings() {
  const spent = new Map<Stage, number>()
  const isEnabled = process.env.UNPLUGIN_KMS_DEBUG === 'timings'
  return {
    async timed<T>(stage: Stage, work: () => T | Promise<T>): Promise<T> {
      if (!isEnabled) return work()
      const startedAt = performance.now()
      try {
        return await work()
      } finally {
        spent.set(stage, (spent.get(stage) ?? 0) + performance.now() - startedAt)
      }
    },
    print() {
      if (!spent.size) return
      const stages = [...spent].map(([stage, ms]) => `${stage} ${ms.toFixed(0)} ms`)
      process.stderr.write(`unplugin-kms: ${stages.join(', ')}\n`)
      spent.clear()
    },
  }
}
