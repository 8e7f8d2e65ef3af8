import { join } from 'node:path'
import { expect, it } from 'vitest'
import { scanFolder, type ScanOptions } from '../../src/secrets/scan.js'
import { project } from '../support/project.js'

async function scan(options: ScanOptions) {
  const root = await project({
    '.env': 'KEY=planted-value-7Q\n',
    'dist/main.js': `f('planted-value-7Q')\n`,
  })
  return scanFolder(join(root, 'dist'), {
    secretsFile: false,
    envFiles: [join(root, '.env')],
    ...options,
  })
}

it.each(['leakCheck', 'proof'])('scanFolder reads exceptions from its option %s', async (name) => {
  expect((await scan({})).leaks).toHaveLength(1)
  expect((await scan({ [name]: { except: ['KEY'] } })).leaks).toEqual([])
})

it('scanFolder rejects leakCheck and its former name together', async () => {
  await expect(scan({ leakCheck: {}, proof: {} })).rejects.toMatchObject({
    code: 'OPTIONS_INVALID',
  })
})
