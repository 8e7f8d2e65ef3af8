import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkFinishedOutput } from '../../src/frameworks/finished-output.js'
import { BuildSession } from '../../src/pipeline/session.js'
import { filesIn, project } from '../support/project.js'

const PLAINTEXT = 'a plaintext that leaks'

/** A session that has sealed the plaintext, and outputs that were written before. */
async function finished(files: Record<string, string>) {
  const root = await project(files)
  const env = { LEAKING: PLAINTEXT }
  const build = new BuildSession({ env, dev: { values: {} } })
  const code =
    "import { secret } from 'unplugin-kms/secret'\nexport const a = secret.env('LEAKING')\n"
  await build
    .transform(code, join(root, 'a.ts'), {
      target: { platform: 'node', command: 'build' },
      watch: () => {},
    })
    // There is no key to seal with. The plaintext is known all the same.
    .catch(() => {})
  return { root, build }
}

it('removes the outputs of a framework if one contains a plaintext', async () => {
  const { root, build } = await finished({
    'client/app.js': `const key = '${PLAINTEXT}'`,
    'server/app.js': 'export {}',
    'cache/kept': 'kept',
  })
  await expect(checkFinishedOutput(build, root, ['cache'])).rejects.toThrow()
  expect(Object.keys(await filesIn(root))).toEqual(['cache/kept'])
})

it('reports which output of a framework contains a mark that browsers load', async () => {
  const root = await project({})
  const build = new BuildSession({})
  const emitted = await build.transform(
    "import { secret } from 'unplugin-kms/secret'\nexport const a = secret.env('A')\n",
    join(root, 'a.ts'),
    { target: { platform: 'browser', command: 'build' }, watch: () => {} },
  )
  const output = await project({
    'server/page.js': `const script = ${JSON.stringify(emitted!.code)}`,
  })
  await expect(checkFinishedOutput(build, output)).rejects.toThrow('[CLIENT_BUNDLE]')
})
