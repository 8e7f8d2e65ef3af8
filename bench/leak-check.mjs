// Measures the leak check of 10 MB of code with a source map, by the number of secrets. Needs a build.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeProject } from './build/project.mjs'
import { secretName, secretValue } from './build/secrets.mjs'
import { median, table } from './build/report.mjs'
import { internals } from './internals.mjs'

const { checkOutputs } = await internals('pipeline/leak-check/leak-check')

const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' } } })
const MEGABYTES = 10

/** A third code, two thirds map, as bundlers write them. */
async function outputs() {
  const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-bench-'))
  await writeProject(folder, { modules: 1000, marks: 0, kind: 'plain' })
  const names = (await readdir(join(folder, 'src'), { recursive: true })).filter((name) =>
    name.endsWith('.ts'),
  )
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'src', name), 'utf8')))
  await rm(folder, { recursive: true })
  const sourcesContent = []
  for (let length = 0, at = 0; length < (MEGABYTES * 1e6) / 3; at++) {
    const text = texts[at % texts.length]
    sourcesContent.push(text)
    length += text.length
  }
  const code = sourcesContent.join('')
  const mappings = 'AAAA,CAAC,GAAG;'.repeat(code.length / 18)
  const map = {
    version: 3,
    sources: sourcesContent.map((_, at) => `${at}.ts`),
    sourcesContent,
    names: [],
    mappings,
  }
  return [
    { name: 'main.js', content: Buffer.from(code) },
    { name: 'main.js.map', content: Buffer.from(JSON.stringify(map)) },
  ]
}

const assets = await outputs()
const bytes = assets.reduce((sum, { content }) => sum + content.length, 0)
const rows = []
for (const secrets of [0, 1, 100, 1000]) {
  const seen = Array.from({ length: secrets }, (_, index) => ({
    name: secretName(index),
    plaintext: Buffer.from(secretValue(index)),
  }))
  const took = []
  for (let run = 0; run < Number(values.runs); run++) {
    const begun = performance.now()
    await checkOutputs(assets, seen, { minLength: 8, except: [] })
    took.push(performance.now() - begun)
  }
  const per10 = median(took) / (bytes / 1e7)
  rows.push([
    secrets,
    median(took).toFixed(0),
    per10.toFixed(0),
    took.map((ms) => ms.toFixed(0)).join(' '),
  ])
}
console.log(
  `${(bytes / 1e6).toFixed(1)} MB; ${cpus().length} cores (${cpus()[0].model}), Node ${process.versions.node}\n`,
)
console.log(table(['secrets', 'ms', 'ms for 10 MB', 'each run'], rows))
