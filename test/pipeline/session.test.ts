import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BuildSession } from '../../src/pipeline/session.js'
import { NODE_BUILD, type Target } from '../../src/pipeline/target.js'
import { localPair, project, secretsFile } from '../support/project.js'

const VALUE = 'planted-variable-value-8R'
const SOURCE = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`

/** A build, and how it transforms one and the same module. */
async function started() {
  const root = await project({})
  const path = join(root, 'kms-secrets.json')
  await secretsFile(path, {})
  const build = new BuildSession({ secretsFile: path, env: { KEY: VALUE } })
  build.setRoot(root)
  return {
    build,
    transform: (target: Target = NODE_BUILD) =>
      build.transform(SOURCE, join(root, 'main.ts'), { target, watch: () => {} }),
  }
}

const LEAKING = [{ name: 'out.js', content: `f('${VALUE}')` }]

describe('one plugin instance in two builds', () => {
  it('searches the outputs of the first while the second transforms a module again', async () => {
    const { build, transform } = await started()
    await transform()
    const second = transform()
    await expect(build.outputs.check(LEAKING)).rejects.toMatchObject({ code: 'LEAK' })
    await second
  })

  it('searches the server’s outputs after a browser build read the same module', async () => {
    const { build, transform } = await started()
    await transform()
    await transform({ ...NODE_BUILD, platform: 'browser' })
    await expect(build.outputs.check(LEAKING)).rejects.toMatchObject({ code: 'LEAK' })
  })

  it('rejects the mark in browser outputs after the server build read it', async () => {
    const { build, transform } = await started()
    const { code } = (await transform({ ...NODE_BUILD, platform: 'browser' }))!
    await transform()
    const content = code.replace(/.*\n/, '')
    await expect(build.outputs.check([{ name: 'out.js', content }])).rejects.toMatchObject({
      code: 'CLIENT_BUNDLE',
    })
  })
})

it('finds the file of a module in a folder with a #, whatever the query of its id', async () => {
  const root = await project({ 'C#/key.txt': VALUE })
  const path = join(root, 'kms-secrets.json')
  await secretsFile(path, {})
  const build = new BuildSession({ secretsFile: path })
  const source = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.file('key.txt')\n`
  for (const end of ['', '?query', '?a/b', '#fragment', '#fragment?query']) {
    const id = `${join(root, 'C#', 'main.ts')}${end}`
    expect(
      (await build.transform(source, id, { target: NODE_BUILD, watch: () => {} }))!.code,
    ).toContain('kms:v1:')
  }
})

it('compares the contexts of options and secrets file in any order', async () => {
  const root = await project({})
  const path = join(root, 'kms-secrets.json')
  await secretsFile(path, {}, { ...localPair(), encryptionContext: { a: 'b,c', 'a,b': 'c' } })
  const started = (encryptionContext: Record<string, string>) =>
    new BuildSession({ secretsFile: path, encryptionContext }).start()
  await started({ 'a,b': 'c', a: 'b,c' })
  await expect(started({ 'a,b': 'c' })).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
})
