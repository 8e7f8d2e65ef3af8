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
    cpuMs: cpuOfProcess() + sumOfChildren(cpuOfChild),
    // Without esbuild's own process.
    nodeCpuMs: cpuOfProcess(),
    nodePeakMiB: process.resourceUsage().maxRSS / 1024,
    peakMiB: (process.resourceUsage().maxRSS + sumOfChildren(peakOfChild)) / 1024,
  }),
)
process.exit(0)

function cpuOfProcess() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Returns milliseconds: fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms. */
function cpuOfChild(pid) {
  const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user, system] = fields.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) * 10
}

/** Returns KiB. */
function peakOfChild(pid) {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

/** Sums a value over child processes, such as esbuild's, if the system reports them. */
function sumOfChildren(valueOf) {
  try {
    return readdirSync('/proc/self/task')
      .flatMap((thread) =>
        readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' '),
      )
      .filter(Boolean)
      .reduce((sum, pid) => sum + valueOf(pid), 0)
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
