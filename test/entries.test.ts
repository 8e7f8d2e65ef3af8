import { expect, it } from 'vitest'

it('publishes the functions for run time under their own paths', async () => {
  const [runtime, imds, webIdentity] = await Promise.all([
    import('unplugin-kms/runtime'),
    import('unplugin-kms/credentials/imds'),
    import('unplugin-kms/credentials/web-identity'),
  ])
  expect(Object.keys(runtime).toSorted()).toEqual([
    'KmsSecretError',
    'configure',
    'decrypt',
    'decryptEnv',
  ])
  expect(Object.keys(imds)).toEqual(['fromInstanceMetadata'])
  expect(Object.keys(webIdentity)).toEqual(['fromTokenFile'])
})

const PLUGINS = ['esbuild', 'rollup', 'vite', 'rolldown', 'webpack', 'rspack', 'farm', 'bun']

it.each(PLUGINS)('exports nothing but the plugin from unplugin-kms/%s', async (bundler) => {
  const entry = (await import(`unplugin-kms/${bundler}`)) as object
  expect(Object.keys(entry)).toEqual(['default', 'module.exports'])
})

it.each(['astro', 'nuxt'])(
  'exports nothing but the integration from unplugin-kms/%s',
  async (framework) => {
    const entry = (await import(`unplugin-kms/${framework}`)) as object
    expect(Object.keys(entry)).toEqual(['default'])
  },
)
