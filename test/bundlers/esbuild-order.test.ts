import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, context, type BuildOptions, type Plugin, type PluginBuild } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import kms from '../../src/bundlers/esbuild.js'
import { project } from '../support/project.js'
import { bench, esbuildOptions, writeNamed, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'value of a variable'
const MARKED = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`
const LEAKY = `${MARKED}console.log('${VALUE}')\n`

async function prepare(source: string) {
  const root = await project({ 'main.ts': source })
  await writeNamed(join(root, 'kms-secrets.json'), shared.pair, {})
  const ours = () =>
    kms({ secretsFile: join(root, 'kms-secrets.json'), env: { KEY: VALUE }, aws: shared.aws })
  const options = (plugins: Plugin[], more: BuildOptions = {}) =>
    esbuildOptions(root, { plugins, ...more })
  return { root, ours, options, out: join(root, 'out.mjs') }
}

const named = (name: string, setup: Plugin['setup']): Plugin => ({ name, setup })
/** Passes the callback on in a function of its own, as plugins around other plugins do. */
const wrapped = ({ name, setup }: Plugin): Plugin =>
  named(name, (host) =>
    setup({ ...host, onEnd: (callback) => host.onEnd((result) => callback(result)) }),
  )

describe('the onEnd of an esbuild plugin before ours', () => {
  it('finds the files, in every rebuild', async () => {
    const { ours, options, out } = await prepare(MARKED)
    const found: string[] = []
    const zip = named('zip', ({ onEnd }) =>
      onEnd(async () => void found.push(await readFile(out, 'utf8'))),
    )
    const rebuilds = await context(options([zip, ours()]))
    await rebuilds.rebuild()
    await rebuilds.rebuild()
    await rebuilds.dispose()
    expect(found).toHaveLength(2)
    for (const code of found) expect(code).toContain('kms:v1:')
  })

  it.each([{}, { write: false }])('receives no output with a leak (%o)', async (more) => {
    const { ours, options, out } = await prepare(LEAKY)
    const received: unknown[] = []
    const zip = named('zip', ({ onEnd }) =>
      onEnd(({ errors, outputFiles }) => void received.push(outputFiles, existsSync(out), errors)),
    )
    await expect(build(options([zip, ours()], more))).rejects.toThrow('[LEAK]')
    expect(received.slice(0, 2)).toEqual([[], false])
    expect(received[2]).toHaveLength(1)
  })

  it('runs in the order of registration next to others', async () => {
    const { ours, options } = await prepare(MARKED)
    const order: string[] = []
    const noting = (name: string) => named(name, ({ onEnd }) => onEnd(() => void order.push(name)))
    await build(options([noting('a'), noting('b'), ours(), noting('c'), ours(), noting('d')]))
    expect(order).toEqual(['a', 'b', 'c', 'd'])
  })

  it('leaves the methods of arrays as they were', async () => {
    const before = Object.getOwnPropertyDescriptor(Array.prototype, 'push')
    const { ours, options } = await prepare(MARKED)
    const fails = named('fails', () => {
      throw new Error('setup failed')
    })
    await expect(build(options([ours(), fails]))).rejects.toThrow('setup failed')
    expect(Object.getOwnPropertyDescriptor(Array.prototype, 'push')).toEqual(before)
  })

  it('is refused by name where ours cannot be moved before it', async () => {
    const { ours, options, out } = await prepare(MARKED)
    const zip = named('zip', (host: PluginBuild) => host.onEnd(() => {}))
    await expect(build(options([zip, wrapped(ours())]))).rejects.toThrow(
      /the plugin zip is before unplugin-kms .*Put unplugin-kms first .*\[OUTPUT_UNSAFE\]/,
    )
    expect(existsSync(out)).toBe(false)
    await build(options([named('logs', () => {}), wrapped(ours()), zip]))
    expect(await readFile(out, 'utf8')).toContain('kms:v1:')
  })
})
