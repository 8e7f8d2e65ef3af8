// What the build of a real function pays for the plugin: its packages, minified, with a map, and two
// named secrets. Each build is a process of its own, in turns. Needs a build.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { writeSecrets } from './build/project.mjs'
import { machine, median, ratio, table } from './build/report.mjs'
import { secretName } from './build/secrets.mjs'

const { values } = parseArgs({
  options: {
    bundlers: { type: 'string', default: 'esbuild' },
    runs: { type: 'string', default: '9' },
    // Also what each run took.
    raw: { type: 'boolean', default: false },
  },
})
const run = promisify(execFile)
const source = fileURLToPath(new URL('function/', import.meta.url))
const script = fileURLToPath(new URL('build/run.mjs', import.meta.url))
const NAMES = ['databaseUrl', 'stripeKey']

// By the lock file. npm ci does nothing that takes time when the packages are there.
await run('npm', ['ci', '--prefer-offline', '--loglevel=error'], { cwd: source })
const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-bench-'))

const WAYS = {
  without: {
    secrets: NAMES.map((name, index) => `export const ${name} = process.env.${secretName(index)}!`),
  },
  ours: {
    plugin: 'ours',
    secrets: [
      `import { secret } from 'unplugin-kms/secret'`,
      ...NAMES.map((name, index) => `export const ${name} = secret.named('${secretName(index)}')`),
    ],
  },
}

async function writeFunction(root, secrets) {
  await mkdir(root)
  await cp(join(source, 'src'), join(root, 'src'), { recursive: true })
  await writeFile(join(root, 'src/secrets.ts'), `${secrets.join('\n')}\n`)
  await writeFile(join(root, 'package.json'), '{ "type": "module" }\n')
  await symlink(join(source, 'node_modules'), join(root, 'node_modules'))
  await writeSecrets(join(root, 'kms-secrets.json'), NAMES.length)
}

async function build(bundler, way) {
  const root = join(folder, way)
  const { plugin } = WAYS[way]
  const outdir = join(root, 'out')
  await rm(outdir, { recursive: true, force: true })
  const job = { bundler, root, plugin, marks: 0, outdir, minify: true }
  const { stdout } = await run(process.execPath, [script, JSON.stringify(job)], { cwd: root })
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

console.log(machine(values.runs))
try {
  for (const [way, { secrets }] of Object.entries(WAYS))
    await writeFunction(join(folder, way), secrets)
  const rows = []
  for (const bundler of values.bundlers.split(',')) {
    const all = { without: [], ours: [] }
    for (let turn = 0; turn <= Number(values.runs); turn++)
      for (const way of Object.keys(WAYS)) {
        const result = await build(bundler, way)
        // The first build fills the file cache.
        if (turn) all[way].push(result)
      }
    for (const [title, key] of [
      ['wall, ms', 'ms'],
      ['CPU, ms', 'cpuMs'],
      ['CPU of Node, ms', 'nodeCpuMs'],
      ['peak, MiB', 'peakMiB'],
      ['peak of Node, MiB', 'nodePeakMiB'],
    ]) {
      const of = (way) => all[way].map((result) => result[key])
      rows.push([
        `${bundler}: ${title}`,
        median(of('without')).toFixed(0),
        median(of('ours')).toFixed(0),
        ratio(of('ours'), of('without')).toFixed(2),
      ])
      if (values.raw)
        for (const way of Object.keys(WAYS))
          console.log(
            `${bundler} ${way}, ${title}: ${of(way)
              .map((value) => value.toFixed(0))
              .join(' ')}`,
          )
    }
  }
  console.log(table(['', 'without', 'ours', 'ratio'], rows))
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(`\nload at the end ${loadavg()[0].toFixed(1)}`)
