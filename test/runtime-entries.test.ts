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
