import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project, secretsFile } from '../support/project.js'
import { filesIn } from './fixture.js'
import { ABSENT, BUN, run } from './hosts.js'

const PLUGIN = join(import.meta.dirname, '../../src/bundlers/bun.ts')
/** Records what a plugin after ours sees, and what the caller of Bun.build receives. */
const SCRIPT = `
import kms from ${JSON.stringify(PLUGIN)}
const { hasOurs, changes, options } = JSON.parse(process.argv[2])
const seen = []
const facts = ({ outdir, metafile, ...config }) => [Object.keys(config).sort(), outdir, metafile]
const outputs = (result) => [
  Object.keys(result).sort(),
  result.outputs.map(({ path, kind, hash, sourcemap }) => [path, kind, hash, sourcemap?.path]),
]
const recorder = {
  name: 'recorder',
  async setup({ config, onLoad, onEnd }) {
    seen.push(['setup', facts(config), config.plugins.length - (hasOurs ? 1 : 0)])
    await 1
    Object.assign(config, changes)
    onLoad({ filter: /\\.js$/ }, ({ path }) => void seen.push(['load', path]))
    onEnd((result) => void seen.push(['end', facts(config), outputs(result)]))
  },
}
const given = {
  entrypoints: ['src/main.js'], root: '.', target: 'node', sourcemap: 'linked', ...options,
  plugins: [...(hasOurs ? [kms({ secretsFile: 'kms-secrets.json' })] : []), recorder],
}
for (const _ of [1, 2]) seen.push(['result', outputs(await Bun.build(given)), facts(given)])
console.log(JSON.stringify(seen.map((entry) => JSON.stringify(entry)).sort()))
`

describe.skipIf(ABSENT.bun)('a plugin after ours, and the caller of Bun.build', () => {
  it.each([
    [{ outdir: 'out' }, {}],
    [{ outdir: 'out' }, { outdir: 'other' }],
    [{ outdir: 'out', metafile: true }, {}],
    [{ outdir: 'out' }, { metafile: true }],
    [{}, {}],
  ])('see the same options, modules and results: %o, changed to %o', async (options, changes) => {
    const root = await project({
      'src/main.js': `import { a } from './a.js'\nconsole.log(a)\n`,
      'src/a.js': `export const a = 1\n`,
      'build.ts': SCRIPT,
    })
    await secretsFile(join(root, 'kms-secrets.json'), {})
    const results = []
    for (const hasOurs of [false, true]) {
      for (const folder of ['out', 'other'])
        await rm(join(root, folder), { recursive: true, force: true })
      const job = JSON.stringify({ hasOurs, changes, options })
      const { code, stdout, stderr } = await run(BUN, ['build.ts', job], {}, root)
      expect(code, stderr).toBe(0)
      const files = (await filesIn(root)).map(([name, bytes]) => [name, mapOrText(name, bytes)])
      results.push({ seen: JSON.parse(stdout) as unknown, files })
    }
    expect(results[1]).toEqual(results[0])
  })
})

const mapOrText = (name: string, bytes: Uint8Array): unknown => {
  const text = Buffer.from(bytes).toString()
  return name.endsWith('.map') ? JSON.parse(text) : text
}
