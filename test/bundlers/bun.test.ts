import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detect } from '../detector/detect.js'
import { project } from '../support/project.js'
import { bench, filesIn, writeNamed, type Bench } from './fixture.js'
import { ABSENT, BUN, run } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'plaintext-for-an-executable'
const PLUGIN = join(import.meta.dirname, '../../src/bundlers/bun.ts')

/** A project whose `build.ts` builds with these options of Bun's. */
async function built(options: object) {
  const root = await project({
    'main.ts': `import { secret } from 'unplugin-kms/secret'\nsecret('${VALUE}').then(console.log)\n`,
    'build.ts': `import kms from ${JSON.stringify(PLUGIN)}
await Bun.build({ entrypoints: ['./main.ts'], target: 'bun', ...${JSON.stringify(options)}, plugins: [kms({ secretsFile: 'kms-secrets.json', plaintextLiterals: 'allow' })] })
`,
  })
  await writeNamed(join(root, 'kms-secrets.json'), shared.pair, {})
  const outcome = await run(BUN, ['build.ts'], {}, root)
  return { root, ...outcome }
}

const printed = async (command: string, args: string[]) =>
  (await run(command, args, shared.kms.env)).stdout.trim()

describe.skipIf(ABSENT.bun)('under Bun', () => {
  it.each([{ compile: true }, { compile: { outfile: './app' } }])(
    'rejects an executable, which Bun writes before the leak check can run (%o)',
    async (options) => {
      const { root, code, stdout, stderr } = await built({ ...options, outdir: 'out' })
      expect(code).not.toBe(0)
      expect(stdout + stderr).toContain('[OUTPUT_UNSAFE]')
      expect(stdout + stderr).not.toContain(VALUE)
      const names = (await filesIn(root)).map(([name]) => name.slice(root.length + 1)).sort()
      expect(names).toEqual(['build.ts', 'kms-secrets.json', 'main.ts'])
    },
  )

  it('compiles checked output to an executable without a plaintext, which decrypts', async () => {
    const { root, code, stderr } = await built({ outdir: 'out' })
    expect(code, stderr).toBe(0)
    const app = join(root, 'app')
    const args = ['build', '--compile', join(root, 'out/main.js'), '--outfile', app]
    const compiled = await run(BUN, args, {}, root)
    expect(compiled.code, compiled.stderr).toBe(0)
    const bytes = await readFile(app)
    expect(bytes.includes(VALUE) || bytes.includes(Buffer.from(VALUE, 'utf16le'))).toBe(false)
    expect(await printed(app, [])).toBe(VALUE)
  })

  it.each(['meta.json', { json: 'meta.json' }])(
    'writes the metafile of the options next to the outputs (%o)',
    async (metafile) => {
      const { root, code, stderr } = await built({ outdir: 'out', metafile })
      expect(code, stderr).toBe(0)
      const files = await filesIn(join(root, 'out'))
      expect(files.map(([name]) => basename(name)).sort()).toEqual(['main.js', 'meta.json'])
      const written = JSON.parse(await readFile(join(root, 'out/meta.json'), 'utf8')) as object
      expect(Object.keys(written)).toEqual(['inputs', 'outputs'])
      expect(detect(files, { value: VALUE })).toEqual([])
    },
  )

  it('rejects a metafile in Markdown, which only Bun can write', async () => {
    const { root, code, stdout, stderr } = await built({
      outdir: 'out',
      metafile: { markdown: 'meta.md' },
    })
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain('[OUTPUT_UNSAFE]')
    expect(await filesIn(join(root, 'out'))).toEqual([])
  })

  it('writes bytecode that runs and contains no plaintext', async () => {
    const { root, code, stderr } = await built({ outdir: 'out', bytecode: true, format: 'cjs' })
    expect(code, stderr).toBe(0)
    const files = await filesIn(join(root, 'out'))
    expect(files.map(([name]) => basename(name)).sort()).toEqual(['main.js', 'main.js.jsc'])
    expect(detect(files, { value: VALUE })).toEqual([])
    expect(await printed(BUN, [join(root, 'out/main.js')])).toBe(VALUE)
  })
})
