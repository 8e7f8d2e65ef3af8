import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { project, secretsFile } from '../support/project.js'
import { filesIn } from './fixture.js'
import { ABSENT, run } from './hosts.js'

const PACKAGE = join(import.meta.dirname, '../..')
/** Records what a plugin after ours sees. */
const SCRIPT = `
import { build } from ${JSON.stringify(join(PACKAGE, 'node_modules/@farmfe/core/dist/index.js'))}
import kms from ${JSON.stringify(join(PACKAGE, 'dist/bundlers/farm.js'))}
const hasOurs = process.argv[2] === 'true'
const root = process.cwd()
const seen = []
const log = (...facts) => void seen.push(JSON.stringify(facts).replaceAll(root, ''))
const names = (plugins) =>
  plugins.flat().map(({ name }) => name).filter((name) => !name.startsWith('unplugin-kms'))
const paths = { filters: { resolvedPaths: ['src'], moduleTypes: [] } }
const recorder = {
  name: 'recorder',
  priority: 101,
  config: (config) => log('config', config.compilation, names(config.plugins ?? [])) ?? config,
  configResolved: (config) => log('configResolved', config.compilation, Object.keys(config).sort()),
  buildStart: { executor: () => log('buildStart') },
  resolve: {
    filters: { importers: ['.*'], sources: ['.*'] },
    executor: ({ source, importer }) => log('resolve', source, importer) ?? null,
  },
  load: { ...paths, executor: ({ moduleId }) => log('load', moduleId) ?? null },
  transform: {
    ...paths,
    executor: ({ moduleId, content, moduleType }) =>
      log('transform', moduleId, content, moduleType) ?? null,
  },
  finalizeResources: {
    executor: ({ resourcesMap }) =>
      log('finalizeResources', Object.values(resourcesMap).map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]).sort()) ?? null,
  },
}
await build({
  root,
  configPath: undefined,
  compilation: {
    root,
    input: { main: './src/main.ts' },
    output: { path: 'out', targetEnv: 'node', format: 'esm', entryFilename: '[entryName].mjs' },
    sourcemap: true,
    minify: false,
    mode: 'production',
    presetEnv: false,
    persistentCache: false,
  },
  plugins: [...(hasOurs ? [kms({ secretsFile: 'kms-secrets.json' })] : []), recorder],
})
console.log('SEEN' + JSON.stringify(seen.sort()))
`

it.skipIf(ABSENT.farm)(
  'a plugin after ours is shown the same options, modules and results by Farm as without us',
  async () => {
    const root = await project({
      'src/main.ts': `import { a } from './a.js'\nconsole.log(a)\n`,
      'src/a.ts': `export const a: number = 1\n`,
      'build.mjs': SCRIPT,
    })
    await secretsFile(join(root, 'kms-secrets.json'), {})
    const results = []
    for (const hasOurs of [false, true]) {
      await rm(join(root, 'out'), { recursive: true, force: true })
      const { code, stdout, stderr } = await run(
        process.execPath,
        ['build.mjs', `${hasOurs}`],
        {},
        root,
      )
      expect(code, stdout + stderr).toBe(0)
      const seen = JSON.parse(stdout.split('SEEN')[1]!) as string[]
      const files = (await filesIn(join(root, 'out'))).map(([name, bytes]) => [
        name,
        Buffer.from(bytes).toString(),
      ])
      results.push({ seen, files })
    }
    expect(results[0]!.seen.length).toBeGreaterThan(9)
    expect(results[1]).toEqual(results[0])
  },
)
