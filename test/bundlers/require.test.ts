import { createRequire } from 'node:module'
import { join } from 'node:path'
import { rollup } from 'rollup'
import { describe, expect, it } from 'vitest'
import kms from '../../src/bundlers/rollup.js'
import { localPair, project, secretsFile } from '../support/project.js'

const require = createRequire(import.meta.url)

describe('require() of a bundler’s plugin', () => {
  it.each(['esbuild', 'rollup', 'vite', 'rolldown', 'webpack', 'rspack', 'farm', 'bun'])(
    'returns the function for %s, which has itself as default',
    (name) => {
      const plugin = require(`unplugin-kms/${name}`) as { default: unknown }
      expect(plugin).toBeTypeOf('function')
      expect(plugin.default).toBe(plugin)
    },
  )
})

it('causes no warning of Rollup about unresolved imports of the shim', async () => {
  const root = await project({
    'main.mjs': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.named('KEY')\n`,
  })
  await secretsFile(join(root, 'kms-secrets.json'), { KEY: 'a value of a test' }, localPair())
  const warnings: string[] = []
  const bundle = await rollup({
    input: join(root, 'main.mjs'),
    onLog: (level, { message }) => void (level === 'warn' && warnings.push(message)),
    plugins: [kms({ secretsFile: join(root, 'kms-secrets.json') })],
  })
  const { output } = await bundle.generate({ format: 'es' })
  expect(output[0].code).toContain(`from 'node:crypto'`)
  expect(warnings).toEqual([])
})
