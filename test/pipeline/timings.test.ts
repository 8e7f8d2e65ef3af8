import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { BUNDLERS } from '../support/bundle.js'
import { project, secretsFile } from '../support/project.js'

const VALUE = 'hunter2-correct-horse'
afterEach(() => void (vi.unstubAllEnvs(), vi.restoreAllMocks()))

/** What a build with one mark writes to stderr. */
async function stderrOf(debug: string | undefined) {
  vi.stubEnv('UNPLUGIN_KMS_DEBUG', debug)
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport default secret('${VALUE}')`,
  })
  await secretsFile(join(root, 'kms-secrets.json'), {})
  await BUNDLERS[0]!.bundle({ root })
  return written.mock.calls.map(([text]) => String(text)).join('')
}

it('UNPLUGIN_KMS_DEBUG=timings prints the time of each stage, and no value', async () => {
  const text = await stderrOf('timings')
  expect(text).toMatch(
    /^unplugin-kms: collect \d+ ms, resolve \d+ ms, seal \d+ ms, emit \d+ ms, leak check \d+ ms$/m,
  )
  expect(text).not.toContain(VALUE)
})

it('without UNPLUGIN_KMS_DEBUG no times are printed', async () => {
  expect(await stderrOf(undefined)).not.toContain('unplugin-kms:')
})
