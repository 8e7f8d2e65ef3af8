import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { build as vite } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import kmsEsbuild from '../../../src/bundlers/esbuild.js'
import kmsVite from '../../../src/bundlers/vite.js'
import type { Options } from '../../../src/options/types.js'
import { CIPHERTEXTS, DIFFICULT, isText } from '../../support/difficult-values.js'
import { project } from '../../support/project.js'
import { exportsOf } from '../../support/run.js'
import { IMPORT, startAccount, type Account } from './sources.js'

let account: Account
beforeAll(async () => {
  account = await startAccount()
})
afterAll(() => account.close())

const ALL = Object.keys(DIFFICULT)
const TEXTS = ALL.filter((name) => isText(DIFFICULT[name]!))
const variable = (name: string) => `V${ALL.indexOf(name)}`
const bytesOf = (value: string | Buffer) =>
  isText(value) ? value : { bytes: value.toString('base64') }

interface Entrance {
  /** The module's expression for a value. */
  mark: (name: string) => string
  files?: Record<string, string | Buffer>
  options?: Options
  builder?: typeof withEsbuild
}

async function withEsbuild(root: string, options: Options): Promise<string> {
  await esbuild.build({
    entryPoints: [join(root, 'main.ts')],
    outfile: join(root, 'out/main.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    plugins: [kmsEsbuild(options)],
  })
  return join(root, 'out/main.mjs')
}

async function withVite(root: string, options: Options): Promise<string> {
  await vite({
    root,
    configFile: false,
    logLevel: 'silent',
    build: { ssr: 'main.ts', rollupOptions: { output: { entryFileNames: '[name].mjs' } } },
    plugins: [kmsVite(options)],
  })
  return join(root, 'dist/main.mjs')
}

async function valuesOf(names: string[], { mark, files = {}, options, builder }: Entrance) {
  const exports = names.map((name) => `export const ${variable(name)} = ${mark(name)}`)
  const root = await project({ ...files, 'main.ts': IMPORT + exports.join('\n') })
  const leakCheck = { minLength: 1 << 24 }
  const bundle = await (builder ?? withEsbuild)(root, { ...account.options, leakCheck, ...options })
  return exportsOf(bundle, account.kms.env)
}

/** Expects these names to be rejected, each by itself and with its code, and all others to arrive unchanged. */
async function expectUnchanged(
  names: string[],
  rejected: Record<string, string>,
  entrance: Entrance,
) {
  const accepted = names.filter((name) => !(name in rejected))
  const values = await valuesOf(accepted, entrance)
  for (const name of accepted)
    expect(values[variable(name)], name).toEqual(bytesOf(DIFFICULT[name]!))
  for (const [name, code] of Object.entries(rejected))
    await expect(valuesOf([name], entrance), name).rejects.toThrow(`[${code}]`)
}

const FOREIGN = Object.fromEntries(
  CIPHERTEXTS.map((name) => [
    name,
    name === 'a sealed token' ? 'TOKEN_INVALID' : 'CIPHERTEXT_FOREIGN',
  ]),
)
const FOREIGN_TEXT = Object.fromEntries(
  Object.entries(FOREIGN).filter(([name]) => TEXTS.includes(name)),
)
const BAD_TEXT = {
  ...FOREIGN_TEXT,
  'a byte order mark in front': 'PLAINTEXT_ENCODING',
  'a lone surrogate': 'PLAINTEXT_LONE_SURROGATE',
}

describe('a difficult value is sealed unchanged or rejected', () => {
  it('from a literal', () =>
    expectUnchanged(TEXTS, BAD_TEXT, {
      mark: (name) => `secret(${JSON.stringify(DIFFICULT[name])})`,
    }))

  it('from secret.env', () =>
    expectUnchanged(
      TEXTS,
      { ...BAD_TEXT, 'a replacement character': 'PLAINTEXT_ENCODING' },
      {
        mark: (name) => `secret.env('${variable(name)}')`,
        options: {
          env: Object.fromEntries(TEXTS.map((name) => [variable(name), DIFFICULT[name] as string])),
        },
      },
    ))

  const files = Object.fromEntries(ALL.map((name) => [`${variable(name)}.txt`, DIFFICULT[name]!]))
  delete files[`${variable('a lone surrogate')}.txt`]
  const inFiles = ALL.filter((name) => name !== 'a lone surrogate')

  it('from secret.file as text', () => {
    const { 'a lone surrogate': _, ...rejected } = BAD_TEXT
    return expectUnchanged(
      inFiles,
      {
        ...rejected,
        ...FOREIGN,
        'UTF-16 with a byte order mark': 'PLAINTEXT_ENCODING',
        'UTF-16 without one': 'PLAINTEXT_ENCODING',
        'bytes that are not UTF-8': 'FILE_UNREADABLE',
      },
      { mark: (name) => `secret.file('./${variable(name)}.txt')`, files },
    )
  })

  it('from secret.file as bytes, where only ciphertext is rejected', async () => {
    const entrance = {
      mark: (name: string) => `secret.file('./${variable(name)}.txt', 'bytes')`,
      files,
    }
    const accepted = inFiles.filter(
      (name) => !CIPHERTEXTS.includes(name) || name === 'a sealed token',
    )
    const values = await valuesOf(accepted, entrance)
    for (const name of accepted)
      expect(values[variable(name)], name).toEqual(bytesOf(Buffer.from(DIFFICULT[name]!)))
  })

  it('from secret.ssm', async () => {
    const names = TEXTS.filter((name) => name !== 'a lone surrogate' && name !== '1 MB')
    for (const name of names)
      await account.putParameter({
        Name: `/v/${variable(name)}`,
        Value: DIFFICULT[name] as string,
        Tier: 'Advanced',
      })
    const { 'a lone surrogate': _, ...rejected } = BAD_TEXT
    await expectUnchanged(names, rejected, {
      mark: (name) => `secret.ssm('/v/${variable(name)}', { decrypt: true })`,
    })
  })

  const inSecretsManager = TEXTS.filter((name) => name !== 'a lone surrogate' && name !== '1 MB')

  it('from secret.secretsManager, as a complete secret and as a key of its JSON', async () => {
    const { 'a lone surrogate': _, ...rejected } = BAD_TEXT
    for (const name of inSecretsManager)
      await account.createSecret({
        Name: `s/${variable(name)}`,
        SecretString: DIFFICULT[name] as string,
      })
    await account.createSecret({
      Name: 's/json',
      SecretString: JSON.stringify(
        Object.fromEntries(inSecretsManager.map((name) => [variable(name), DIFFICULT[name]])),
      ),
    })
    await expectUnchanged(inSecretsManager, rejected, {
      mark: (name) => `secret.secretsManager('s/${variable(name)}')`,
    })
    await expectUnchanged(inSecretsManager, rejected, {
      mark: (name) => `secret.secretsManager('s/json', '${variable(name)}')`,
    })
  })

  it('from a number of Secrets Manager, with its digits as stored', async () => {
    await account.createSecret({
      Name: 'n/db',
      SecretString:
        '{"account": 12345678901234567890, "rate" : 1.10,\n"big":1E400, "on":true, "nested": {"account": [1.0, "rate"]}}',
    })
    const keys = { account: '12345678901234567890', rate: '1.10', big: '1E400', on: 'true' }
    for (const [key, digits] of Object.entries(keys)) {
      const values = await valuesOf(['a NUL'], {
        mark: () => `secret.secretsManager('n/db', '${key}')`,
      })
      expect(Object.values(values)).toEqual([digits])
    }
  })

  it('from a .env file under Vite, which would expand "$" in it', async () => {
    const written = TEXTS.map((name) => [name, DIFFICULT[name] as string] as const).filter(
      ([name, value]) => !/['\r\ud800]/.test(value) && name !== '1 MB',
    )
    const { 'a lone surrogate': _, ...rejected } = BAD_TEXT
    await expectUnchanged(
      written.map(([name]) => name),
      { ...rejected, 'a replacement character': 'PLAINTEXT_ENCODING' },
      {
        mark: (name) => `secret.env('${variable(name)}')`,
        files: {
          '.env': written.map(([name, value]) => `${variable(name)}='${value}'`).join('\n'),
        },
        builder: withVite,
      },
    )
  })

  it.each(["it's#horse1", 'p"w#x', 'correct horse#x', '"correct\\"horse"', '"correct'])(
    'not from a .env file under Vite with the line VALUE=%s, which tools read differently',
    async (value) => {
      const root = await project({
        'main.ts': `${IMPORT}export const value = secret.env('VALUE')`,
        '.env': `BEFORE=1\nVALUE=${value}\nAFTER=1\n`,
      })
      await expect(withVite(root, account.options)).rejects.toThrow(
        /main\.ts:2:22.*VALUE in .*\.env .*\[DOTENV_AMBIGUOUS\]/,
      )
    },
  )
})
