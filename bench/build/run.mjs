// One measurement, in a process of its own: reads a job on the command line, prints what it cost.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { BUNDLERS, jobOf } from './bundlers.mjs'

const { bundler, root, watch, ...rest } = JSON.parse(process.argv[2])
const job = jobOf(root, rest)
const host = BUNDLERS[bundler]

const begun = performance.now()
let rebuildMs = []
let watched
if (watch) watched = await watchSession()
else await host.build(job)
const ms = watch ? watched.firstMs : performance.now() - begun
console.log(
  JSON.stringify({
    ms,
    rebuildMs,
    peakMiB: (process.resourceUsage().maxRSS + peakOfChildren()) / 1024,
  }),
)
process.exit(0)

/** KiB. esbuild's own process, where there is one and the system tells. */
function peakOfChildren() {
  try {
    return readdirSync('/proc/self/task')
      .flatMap((thread) =>
        readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' '),
      )
      .filter(Boolean)
      .map((pid) => /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
      .reduce((sum, peak) => sum + Number(peak), 0)
  } catch {
    return 0
  }
}

/** Builds, then touches a file again and again; each time from the bundler's start to its end. */
async function watchSession() {
  let ended
  let beganAt = performance.now()
  const next = () => new Promise((resolve, reject) => (ended = { resolve, reject }))
  let end = next()
  const stop = await host.watch(job, {
    begun: () => void (beganAt = performance.now()),
    done: (error) => (error ? ended.reject(error) : ended.resolve(performance.now() - beganAt)),
  })
  await end
  const firstMs = performance.now() - begun
  const original = readFileSync(watch.touch, 'utf8')
  for (let time = 0; time < watch.times; time++) {
    // A watcher takes changes close together for one.
    await new Promise((resolve) => setTimeout(resolve, 300))
    end = next()
    writeFileSync(watch.touch, `${original}export const touched = ${time}\n`)
    stop.rebuild?.()
    rebuildMs.push(await end)
  }
  writeFileSync(watch.touch, original)
  await stop()
  return { firstMs }
}
