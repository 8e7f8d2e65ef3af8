import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.js'

const script = fileURLToPath(new URL('compare.mjs', import.meta.url))
const isBuilt = existsSync(new URL('../../dist/index.js', import.meta.url))

const recording = (message: string, name = 'test_get_key_invalid_uuid') => ({
  [`tests/test_kms.py::TestKMS::${name}`]: {
    'recorded-content': {
      'describe-key-with-invalid-uuid': {
        Error: { Code: 'NotFoundException', Message: message },
        message,
        ResponseMetadata: { HTTPHeaders: {}, HTTPStatusCode: 400 },
      },
    },
  },
})

async function compare(recordings: object) {
  const folder = temporaryFolder()
  await writeFile(join(folder, 'test_kms.snapshot.json'), JSON.stringify(recordings))
  return promisify(execFile)(process.execPath, [script, folder]).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  )
}

describe.skipIf(!isBuilt)('the comparison with recordings (needs a build)', () => {
  it('reports no difference for an answer of AWS', async () => {
    const { code, stdout } = await compare(recording("Invalid keyId '<key-id>'"))
    expect(stdout).toBe('1 tests compared, 0 with differences, 0 without a replay\n')
    expect(code).toBe(0)
  })

  it('prints a difference, and fails', async () => {
    const { code, stdout } = await compare(recording('Another message'))
    expect(stdout).toContain(
      'AWS answers "Another message", here it is "Invalid keyId \'fake-key-id\'"',
    )
    expect(code).toBe(1)
  })

  it('prints the recorded tests that it cannot replay', async () => {
    const { stdout } = await compare(recording('', 'test_sign_verify'))
    expect(stdout).toContain('no replay: tests/test_kms.py::TestKMS::test_sign_verify')
  })
})
