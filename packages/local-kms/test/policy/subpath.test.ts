import { build } from 'esbuild'
import { expect, it } from 'vitest'

it('imports no module of the server from the policy subpath', async () => {
  const { metafile } = await build({
    absWorkingDir: new URL('../../src', import.meta.url).pathname,
    entryPoints: ['policy/index.ts'],
    bundle: true,
    platform: 'node',
    metafile: true,
    write: false,
  })
  const modules = Object.keys(metafile.inputs).filter((path) => !path.startsWith('policy/'))
  expect(modules.sort()).toEqual(['arn.ts', 'errors.ts'])
})
