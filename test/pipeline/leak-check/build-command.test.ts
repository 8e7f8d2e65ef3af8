import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Options } from '../../../src/options/types.js'
import { BuildSession } from '../../../src/pipeline/session.js'
import { NODE_BUILD } from '../../../src/pipeline/target.js'
import { project, secretsFile } from '../../support/project.js'

let next = 0
/** Each test has a plaintext of its own, since all run in one process. */
const plaintext = () => `planted-value-${next++}-x9Q`
const SOURCE = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`

async function sessions(root: string, value: string, options: Options = {}, folders = ['', '']) {
  const file = join(root, 'kms-secrets.json')
  if (!existsSync(file)) await secretsFile(file, {})
  const make = (folder: string) => {
    const session = new BuildSession({ secretsFile: file, env: { KEY: value }, ...options })
    session.setRoot(join(root, folder))
    return session
  }
  return { server: make(folders[0]!), client: make(folders[1]!) }
}

const transform = (session: BuildSession, root: string) =>
  session.transform(SOURCE, join(root, 'server.ts'), { target: NODE_BUILD, watch: () => {} })

/** Checks and writes one output, as a bundler does. */
async function build(session: BuildSession, root: string, name: string, content: string) {
  const assets = [{ name, content }]
  await session.outputs.check(assets, undefined, name)
  await session.outputs.record(join(root, 'dist'), assets, name)
  await mkdir(join(root, 'dist'), { recursive: true })
  await writeFile(join(root, 'dist', name), content)
}

describe('a plaintext of the server in an output for the browser', () => {
  it('fails the build of the browser after that of the server', async () => {
    const [root, value] = [await project({}), plaintext()]
    const { server, client } = await sessions(root, value)
    await transform(server, root)
    await build(server, root, 'server.js', 'f()')
    await expect(build(client, root, 'client.js', `f('${value}')`)).rejects.toMatchObject({
      code: 'LEAK',
      message: expect.stringContaining(
        'KEY (as it is) in client.js:1:4\nThese outputs were not written.',
      ),
    })
  })

  it.each(['one instance', 'two instances'])(
    'fails the build of the server after that of the browser, with %s',
    async (which) => {
      const [root, value] = [await project({}), plaintext()]
      const { server, client } = await sessions(root, value)
      const first = which === 'one instance' ? server : client
      await build(first, root, 'client.js', `f('${value}')`)
      await transform(server, root)
      await expect(build(server, root, 'server.js', 'f()')).rejects.toMatchObject({
        code: 'LEAK',
        message: expect.stringMatching(
          /KEY \(as it is\) in dist\/client\.js:1:4\nThese files are on disk: .* leakCheck\.removeWritten/,
        ),
      })
      expect(await readFile(join(root, 'dist/client.js'), 'utf8')).toContain(value)
    },
  )

  it('removes what is on disk if the option asks for it', async () => {
    const [root, value] = [await project({}), plaintext()]
    const { server, client } = await sessions(root, value, { leakCheck: { removeWritten: true } })
    await build(client, root, 'client.js', `f('${value}')`)
    await build(client, root, 'other.js', `f()`)
    await transform(server, root)
    await expect(build(server, root, 'server.js', 'f()')).rejects.toThrow('were removed')
    expect(existsSync(join(root, 'dist/client.js'))).toBe(false)
    expect(existsSync(join(root, 'dist/other.js'))).toBe(true)
  })

  it('fails the build that ends while the other one is checked', async () => {
    const [root, value] = [await project({}), plaintext()]
    const { server, client } = await sessions(root, value)
    const assets = [{ name: 'client.js', content: `f('${value}')` }]
    await client.outputs.check(assets)
    await transform(server, root)
    await expect(client.outputs.record(join(root, 'dist'), assets)).rejects.toMatchObject({
      code: 'LEAK',
    })
  })

  it('is found in two packages of a workspace that are built at the same time', async () => {
    const [root, value] = [await project({ 'package.json': '{}' }), plaintext()]
    const { server, client } = await sessions(root, value, {}, ['api', 'web'])
    await build(client, root, 'client.js', `f('${value}')`)
    await transform(server, root)
    await expect(build(server, root, 'server.js', 'f()')).rejects.toMatchObject({ code: 'LEAK' })
  })

  it('is found in a file that was copied before the plaintext was known', async () => {
    const [root, value] = [await project({}), plaintext()]
    const { server, client } = await sessions(root, value)
    const [source, path] = [join(root, 'public.txt'), join(root, 'dist/public.txt')]
    await writeFile(source, value)
    client.outputs.rememberCopied([{ source, path }], 'public')
    await build(client, root, 'client.js', 'f()')
    await transform(server, root)
    await expect(build(server, root, 'server.js', 'f()')).rejects.toThrow('dist/public.txt')
  })
})

describe('unrelated builds', () => {
  it('are of different projects, one after the other in one process', async () => {
    const value = plaintext()
    const [first, second] = [await project({}), await project({})]
    const one = await sessions(first, value)
    await transform(one.server, first)
    await build(one.server, first, 'server.js', 'f()')
    const two = await sessions(second, value)
    await build(two.client, second, 'client.js', `f('${value}')`)
  })

  it('are those that the option keeps apart', async () => {
    const [root, value] = [await project({}), plaintext()]
    const { server, client } = await sessions(root, value, { leakCheck: { scope: 'build' } })
    await transform(server, root)
    await build(server, root, 'server.js', 'f()')
    await build(client, root, 'client.js', `f('${value}')`)
  })

  it('are those of a dev server', async () => {
    const [root, value] = [await project({}), plaintext()]
    const { server, client } = await sessions(root, value)
    server.outputs.leave()
    await transform(server, root)
    await build(client, root, 'client.js', `f('${value}')`)
  })
})

it('a rebuild replaces its outputs, so that a fixed leak is not reported again', async () => {
  const [root, value] = [await project({}), plaintext()]
  const { server, client } = await sessions(root, value)
  await build(client, root, 'client.js', `f('${value}')`)
  await transform(server, root)
  await expect(build(server, root, 'server.js', 'f()')).rejects.toMatchObject({ code: 'LEAK' })
  await build(client, root, 'client.js', 'f()')
  await build(server, root, 'server.js', 'f()')
})
