import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUNDLERS } from '../support/bundle.js'
import { filesIn, project, secretsFile } from '../support/project.js'

const SOURCE = `import { secret } from 'unplugin-kms/secret'
export const pin = secret.env('PIN')
export const user = secret.env('DB_USER')
export const other = secret.env('OTHER_USER')
export const long = secret.env('LONG')
`
const ENV = {
  PIN: '12345678',
  DB_USER: 'postgres-user',
  OTHER_USER: 'other-user',
  LONG: 'long enough',
}

describe.each(BUNDLERS)(
  'a plaintext that the leak check of $name does not search for',
  (bundler) => {
    async function build(leakCheck: { minLength?: number; except?: string[] }) {
      const root = await project({ 'src/main.ts': SOURCE })
      await secretsFile(join(root, 'kms-secrets.json'), {})
      const { warnings } = await bundler.bundle({
        root,
        options: { env: ENV, leakCheck, manifest: join(root, 'kms-manifest.json') },
      })
      const { 'kms-manifest.json': manifest } = await filesIn(root)
      const { notSearchedFor } = JSON.parse(manifest!) as { notSearchedFor: unknown }
      return {
        warnings: warnings.filter((text) => text.includes('[PROOF_SKIPPED]')),
        notSearchedFor,
      }
    }

    it('is named in a warning and in the manifest, if it is excepted or too short', async () => {
      const { warnings, notSearchedFor } = await build({
        minLength: 9,
        except: ['DB_USER', 'OTHER_USER'],
      })
      expect(warnings).toEqual([
        expect.stringContaining(
          'too short to be searched for in the output (leakCheck.minLength 9): PIN.',
        ),
        expect.stringContaining(
          'not searched for in the output, since leakCheck.except names them: DB_USER, OTHER_USER.',
        ),
      ])
      expect(notSearchedFor).toEqual({ excepted: ['DB_USER', 'OTHER_USER'], tooShort: ['PIN'] })
      for (const value of Object.values(ENV)) expect(warnings.join()).not.toContain(value)
    })

    it('causes no warning if all plaintexts are long enough and none is excepted', async () => {
      const { warnings, notSearchedFor } = await build({})
      expect(warnings).toEqual([])
      expect(notSearchedFor).toEqual({ excepted: [], tooShort: [] })
    })
  },
)
