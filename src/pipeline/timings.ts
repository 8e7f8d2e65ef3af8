import { performance } from 'node:perf_hooks'

type Stage = 'collect' | 'resolve' | 'seal' | 'emit' | 'prove'

/**
 * What each stage takes, added up over all modules, on stderr at the end of each build, if
 * UNPLUGIN_KMS_DEBUG is `timings`. Modules wait for KMS and for each other's sealing side by side: a
 * sum may be longer than the build.
 */
export function createTimings() {
  const spent = new Map<Stage, number>()
  const isAsked = process.env.UNPLUGIN_KMS_DEBUG === 'timings'
  return {
    async timed<T>(stage: Stage, work: () => T | Promise<T>): Promise<T> {
      if (!isAsked) return work()
      const begun = performance.now()
      try {
        return await work()
      } finally {
        spent.set(stage, (spent.get(stage) ?? 0) + performance.now() - begun)
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
