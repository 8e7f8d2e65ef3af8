import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { BuildSession } from '../../src/pipeline/session.js'
import { NODE_BUILD } from '../../src/pipeline/target.js'
import { project, secretsFile } from '../support/project.js'

const VALUE = 'planted-in-another-copy-4T'

it('works with sessions of another copy of the package in the same process', async () => {
  const root = await project({ 'package.json': '{}' })
  const path = join(root, 'kms-secrets.json')
  await secretsFile(path, {})
  vi.resetModules()
  const { BuildSession: OtherSession } = await import('../../src/pipeline/session.js')
  expect(OtherSession).not.toBe(BuildSession)
  const own = new BuildSession({ secretsFile: path, env: { KEY: VALUE } })
  const other = new OtherSession({ secretsFile: path, env: {} })
  for (const session of [own, other]) session.setRoot(root)
  const source = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`
  const host = { target: NODE_BUILD, watch: () => {} }
  const { code } = (await own.transform(source, join(root, 'main.ts'), host))!
  const [pair] = /\.\/unplugin-kms\.pair\.\w+/.exec(code)!
  // A bundler may ask either instance for a module of the other one.
  other.peers = [own as unknown as InstanceType<typeof OtherSession>]
  expect(await other.virtual(pair, () => {})).toContain('envelope(')
  await expect(
    other.outputs.check([{ name: 'client.js', content: `f('${VALUE}')` }]),
  ).rejects.toMatchObject({ code: 'LEAK' })
})
