import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { describe, expect, it } from 'vitest'
import kms from '../../src/bundlers/vite.js'
import type { Options } from '../../src/options/types.js'
import { filesIn, project, secretsFile } from '../support/project.js'

const VALUE = 'planted-variable-value-7Q'
const SERVER = `import { secret } from 'unplugin-kms/secret'\nexport const key = `

interface Project {
  /** The expression of the server's mark. */
  mark: string
  files?: Record<string, string>
  options?: Options
  /** The environment of the build. */
  env?: Record<string, string>
}

/** Builds client code with a copy of a server's secret, and only that, in mode `client`. */
async function buildClient({ mark, files, options, env = {} }: Project) {
  const root = await project({
    'package.json': '{}',
    'src/server.ts': SERVER + mark,
    'web/client.ts': `console.log('${VALUE}')\n`,
    ...files,
  })
  const warnings: string[] = []
  const secretsPath = join(root, 'kms-secrets.json')
  await secretsFile(secretsPath, { SEALED: VALUE })
  Object.assign(process.env, env)
  try {
    await build({
      root,
      configFile: false,
      logLevel: 'silent',
      mode: 'client',
      plugins: [kms({ secretsFile: secretsPath, plaintextLiterals: 'allow', ...options })],
      ssr: { noExternal: ['hono'] },
      build: {
        outDir: 'dist',
        rolldownOptions: {
          input: 'web/client.ts',
          onwarn: ({ message }) => void warnings.push(message),
        },
      },
    })
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
  }
  return { root, warnings, isWritten: existsSync(join(root, 'dist')) }
}

describe('a browser bundle that is built by a command of its own', () => {
  const marks: [string, Project][] = [
    ['a literal', { mark: `secret('${VALUE}')` }],
    [
      'a variable',
      { mark: `secret.env('CLIENT_COMMAND_KEY')`, env: { CLIENT_COMMAND_KEY: VALUE } },
    ],
    ['a file', { mark: `secret.file('./key.txt')`, files: { 'src/key.txt': VALUE } }],
    [
      'a variable of the server build’s .env file',
      { mark: `secret.env('FILE_KEY')`, files: { '.env.production': `FILE_KEY=${VALUE}\n` } },
    ],
    [
      'the option env',
      { mark: `secret.env('OPTION_KEY')`, options: { env: { OPTION_KEY: VALUE } } },
    ],
  ]
  it.each(marks)('is rejected if it contains %s that the server seals', async (_, project) => {
    await expect(buildClient(project)).rejects.toThrow('[LEAK]')
  })

  it('may contain a string that no mark of the project has', async () => {
    const { isWritten, warnings } = await buildClient({ mark: `secret('another string')` })
    expect(isWritten).toBe(true)
    expect(warnings).toEqual([])
  })

  it('is searched for its own secrets only with leakCheck.scope build', async () => {
    const options: Options = { leakCheck: { scope: 'build' } }
    const { isWritten } = await buildClient({ mark: `secret('${VALUE}')`, options })
    expect(isWritten).toBe(true)
  })

  it('names the secrets that it cannot read, and no ciphertext', async () => {
    const { warnings, root } = await buildClient({
      mark: `[secret.ssm('/key', { decrypt: true }), secret.ssm('/other'), secret.named('SEALED'), secret.env('UNSET_KEY')]`,
    })
    expect(warnings.filter((text) => text.includes('[PROOF_SKIPPED]'))).toEqual([
      expect.stringContaining('their values: /key, UNSET_KEY.'),
    ])
    expect(Object.keys(await filesIn(join(root, 'dist')))).not.toEqual([])
  })

  it('is not kept from being built by a source file that does not parse', async () => {
    const files = { 'src/broken.ts': `${SERVER}secret(\n` }
    await expect(buildClient({ mark: `secret('${VALUE}')`, files })).rejects.toThrow('[LEAK]')
  })
})
