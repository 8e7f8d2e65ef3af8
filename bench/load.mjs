// CPU time of importing each entry of the package in a process of its own, next to an empty process.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const RUNS = Number(process.argv[2] ?? 15)
const ENTRIES = {
  'an empty process': null,
  'unplugin-kms/esbuild': '../dist/bundlers/esbuild.js',
  'unplugin-kms': '../dist/index.js',
  'unplugin-kms/rollup': '../dist/bundlers/rollup.js',
  'unplugin-kms/vite': '../dist/bundlers/vite.js',
  'unplugin-kms/rolldown': '../dist/bundlers/rolldown.js',
  'unplugin-kms/webpack': '../dist/bundlers/webpack.js',
  'unplugin-kms/rspack': '../dist/bundlers/rspack.js',
}

const MEASURE = `process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  console.log((user + system) / 1000)
});`

/** Returns the CPU time in ms of a process that imports the module. */
function cpuTime(path) {
  const code = path ? `${MEASURE} await import(${JSON.stringify(path)})` : MEASURE
  const args = ['--input-type=module', '-e', code]
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

const times = new Map(Object.keys(ENTRIES).map((name) => [name, []]))
for (let run = 0; run <= RUNS; run++) {
  for (const [name, path] of Object.entries(ENTRIES)) {
    const time = cpuTime(path && fileURLToPath(new URL(path, import.meta.url)))
    // The first run fills the file cache.
    if (run) times.get(name).push(time)
  }
}
const base = median(times.get('an empty process'))
const esbuild = median(times.get('unplugin-kms/esbuild')) - base
for (const [name, all] of times) {
  const own = median(all) - base
  console.log(
    `${name.padEnd(22)} ${median(all).toFixed(0).padStart(4)} ms, ${own.toFixed(0).padStart(4)} ms more than an empty process, ${(own / esbuild).toFixed(2)} x unplugin-kms/esbuild`,
  )
}
