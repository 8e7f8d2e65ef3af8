// Duration of a report of 500 secrets in 200 chunks: writing it, and in Chromium opening, filtering,
// sorting and highlighting it. Medians of 7 runs. Needs a build.
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { startLocalKms } from '@unplugin-kms/local-kms'
import kms from 'unplugin-kms/esbuild'

const CHUNKS = 200
const SECRETS = 500
const ENTRIES = 4
const RUNS = 7
const program = fileURLToPath(new URL('../dist/cli/index.js', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-bench-'))

async function bundle() {
  await mkdir(join(folder, 'src'))
  const write = (name, code) => writeFile(join(folder, 'src', `${name}.js`), code)
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const own = Array.from({ length: SECRETS }, (_, secret) => secret).filter(
      (secret) => secret % CHUNKS === chunk,
    )
    const marks = own.map((secret) => `export const s${secret} = secret.env('SECRET_${secret}')`)
    await write(
      `chunk-${chunk}`,
      `import { secret } from 'unplugin-kms/secret'\n${marks.join('\n')}`,
    )
  }
  for (let entry = 0; entry < ENTRIES; entry++) {
    const chunks = Array.from({ length: CHUNKS }, (_, chunk) => chunk)
    const own = chunks.filter((chunk) => chunk % ENTRIES === entry)
    await write(
      `entry-${entry}`,
      `export const load = { ${own.map((chunk) => `c${chunk}: () => import('./chunk-${chunk}.js')`)} }`,
    )
  }
  const server = await startLocalKms()
  Object.assign(process.env, server.env)
  const { keyId } = await server.createKey({ alias: 'alias/app' })
  await build({
    entryPoints: Array.from({ length: ENTRIES }, (_, entry) => `src/entry-${entry}.js`),
    absWorkingDir: folder,
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    minify: true,
    logLevel: 'error',
    plugins: [
      kms({
        keyId: keyId ?? 'alias/app',
        env: Object.fromEntries(
          Array.from({ length: SECRETS }, (_, secret) => [
            `SECRET_${secret}`,
            `value-${secret}-of-bench`,
          ]),
        ),
      }),
    ],
  })
  await server.close()
}

const median = (numbers) => numbers.sort((one, other) => one - other)[numbers.length >> 1]

try {
  await bundle()
  const report = join(folder, 'report.html')
  const times = { write: [], open: [], filter: [], sort: [], highlight: [] }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  for (let run = 0; run < RUNS; run++) {
    const began = performance.now()
    const { status, stderr } = spawnSync(
      process.execPath,
      [program, 'inspect', 'dist', '--html', report],
      {
        cwd: folder,
      },
    )
    if (status !== 0) throw new Error(String(stderr))
    times.write.push(performance.now() - began)
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } })
    await page.goto(pathToFileURL(report).href)
    const measured = await page.evaluate(async () => {
      const painted = () =>
        new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)))
      const timed = async (work) => {
        await painted()
        const start = performance.now()
        work()
        await painted()
        return performance.now() - start
      }
      const [navigation] = performance.getEntriesByType('navigation')
      const filter = document.querySelector('#filter')
      return {
        open: navigation.loadEventEnd,
        filter: await timed(() => {
          filter.value = 'secret_42'
          filter.dispatchEvent(new Event('input'))
        }),
        sort: await timed(() => document.querySelector('thead button').click()),
        highlight: await timed(() =>
          document.querySelector('.box').dispatchEvent(new Event('click')),
        ),
        rows: document.querySelectorAll('tbody tr').length,
      }
    })
    if (measured.rows !== SECRETS) throw new Error(`${measured.rows} rows`)
    for (const name of ['open', 'filter', 'sort', 'highlight']) times[name].push(measured[name])
    await page.close()
  }
  await browser.close()
  const { size } = await stat(report)
  console.log(`report of ${SECRETS} secrets in ${CHUNKS} chunks: ${Math.round(size / 1000)} kB`)
  for (const [name, runs] of Object.entries(times))
    console.log(`${name}: ${Math.round(median(runs))} ms`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
