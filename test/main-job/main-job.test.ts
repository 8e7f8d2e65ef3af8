import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { initSecretsFile, setSecrets, type Options } from '../../src/index.js'
import { BUNDLERS } from '../support/bundle.js'
import { shareOf, triesAll } from '../support/combinations.js'
import { filesIn, project } from '../support/project.js'
import { exportsOf, run } from '../support/run.js'

const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`

let kms: LocalKms
let keyId: string
let options: Options
beforeAll(async () => {
  kms = await startLocalKms()
  keyId = (await kms.createKey()).arn
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = kms.env
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID!, secretAccessKey: AWS_SECRET_ACCESS_KEY! }
  options = {
    keyId,
    secretsFile: undefined as never,
    plaintextLiterals: 'allow',
    aws: { endpoint: kms.url, credentials },
  }
})
afterAll(() => kms.close())

/** The KMS operations that `work` calls under this file's own key. */
async function callsOf(work: () => Promise<unknown>) {
  const before = kms.journal.length
  await work()
  return kms.journal.slice(before).map(({ operation }) => operation)
}

/** A hundred secrets in thirty modules, imported by one entry and a dynamic import. */
function hundredSecrets() {
  const files: Record<string, string> = {}
  const values: string[] = []
  for (let module = 0; module < 30; module++) {
    const own = Array.from(
      { length: module < 10 ? 4 : 3 },
      (_, index) => `value-${module}-${index}-of-one-hundred`,
    )
    values.push(...own)
    files[`src/m${module}.ts`] =
      `${IMPORT}export default [${own.map((value) => `secret('${value}')`).join(', ')}]`
  }
  files['src/main.ts'] =
    Array.from({ length: 29 }, (_, module) => `import m${module} from './m${module}'`).join('\n') +
    `\nexport const all = Promise.all([${Array.from({ length: 29 }, (_, module) => `...m${module}`).join(', ')}])` +
    `\nexport const last = import('./m29').then((m) => Promise.all(m.default))`
  return { files, values }
}

describe.each(BUNDLERS)('a bundle of $name', (bundler) => {
  const at = BUNDLERS.indexOf(bundler)

  it.each(shareOf(['esm', 'cjs'] as const, at, 2))(
    'decrypts 100 secrets of 30 modules with 1 KMS call, as %s',
    async (format) => {
      const { files, values } = hundredSecrets()
      const root = await project({
        ...files,
        'src/named.ts': `${IMPORT}export * from './main'\nexport const named = secret.named('A')`,
      })
      const secretsFile = join(root, 'kms-secrets.json')
      await withState(root, async () => {
        await initSecretsFile({ secretsFile, keyIds: [keyId], types: false, aws: options.aws! })
        await setSecrets(new Map([['A', 'of-the-file']]), { secretsFile })
      })
      const offline: Options = { secretsFile, plaintextLiterals: 'allow' }
      for (const [entry, own, building] of [
        ['src/main.ts', options, ['GenerateDataKeyPairWithoutPlaintext']],
        ['src/named.ts', offline, []],
      ] as const) {
        let outputs: string[] = []
        const job = { root, format, entries: [entry], options: own }
        expect(await callsOf(async () => ({ outputs } = await bundler.bundle(job)))).toEqual(
          building,
        )
        let read: Record<string, unknown> = {}
        expect(await callsOf(async () => (read = await exportsOf(outputs[0]!, kms.env)))).toEqual([
          'Decrypt',
        ])
        expect([...(read.all as string[]), ...(read.last as string[])]).toEqual(values)
        if (own === offline) expect(read.named).toBe('of-the-file')
      }
      const everything = Object.values(await filesIn(join(root, 'out'))).join('\n')
      for (const value of [...values, 'of-the-file']) expect(everything).not.toContain(value)
    },
  )

  it.each([
    ['esm', true],
    ['cjs', false],
  ] as const)('decrypts every value byte for byte, as %s', async (format, minify) => {
    const odd = `"double" 'single' \`back\` \${dollar} \\ first\nsecond\r\nthird\u2028</script><!-- --> 🔐 schlüssel 鍵 \u0000`
    const ofBytes = (size: number) => {
      const bytes = Buffer.byteLength(odd)
      return odd.repeat(Math.floor(size / bytes)) + 'x'.repeat(size % bytes)
    }
    // The leak check of a megabyte takes seconds.
    const isHuge = triesAll || (at === 0 && format === 'esm')
    const values = { one: 'x', odd, big: ofBytes(4096), huge: ofBytes(isHuge ? 2 ** 20 : 2 ** 14) }
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const root = await project({
      'src/main.ts':
        IMPORT +
        Object.keys(values)
          .map((name) => `export const ${name} = secret.env('${name}')`)
          .join('\n') +
        `\nexport const bytes = secret.file('./key.bin', 'bytes'), json = secret.file('./config.json', 'json')`,
      'src/key.bin': bytes,
      'src/config.json': JSON.stringify({ nested: ['deep-configured-value'] }),
    })
    const { outputs } = await bundler.bundle({
      root,
      format,
      minify,
      options: { ...options, env: values },
    })
    // Node adds a default export to the exports of CommonJS.
    expect(await exportsOf(outputs[0]!, kms.env)).toMatchObject({
      ...values,
      bytes: { bytes: Buffer.from(bytes).toString('base64') },
      json: { nested: ['deep-configured-value'] },
    })
  })

  it('has the values of the sync form without await', async () => {
    const root = await project({
      'src/main.ts': `export const first = key.length\nimport { secret } from 'unplugin-kms/secret/sync'\nimport { key } from './key'\nexport const upper = secret.env('K').toUpperCase(), nested = ((k = secret.env('K')) => k + key)()`,
      'src/key.ts': `import { secret as s } from 'unplugin-kms/secret/sync'\nexport const key: string = s('other-value-here')`,
    })
    const { outputs } = await bundler.bundle({
      root,
      options: { ...options, env: { K: 'value-of-sync' } },
    })
    expect(await exportsOf(outputs[0]!, kms.env)).toEqual({
      first: 16,
      upper: 'VALUE-OF-SYNC',
      nested: 'value-of-syncother-value-here',
    })
  })

  it('without a mark is the same as without the plugin, byte for byte', async () => {
    const root = await project({
      'src/main.ts': `import { b } from './b'\n// unplugin-kms/secret\nexport default { b, s: 'unplugin-kms/secret' }`,
      'src/b.ts': `export enum E { A }\nexport const b: number = E.A`,
    })
    await bundler.bundle({ root, sourcemap: true, options })
    const withPlugin = await filesIn(join(root, 'out'))
    await bundler.bundle({ root, sourcemap: true, plugin: false })
    expect(withPlugin).toEqual(await filesIn(join(root, 'out')))
  })

  it('contains neither ciphertext nor shim of an unused secret', async () => {
    const root = await project({
      'src/main.ts': `import { used } from './lib'\nexport default used`,
      'src/lib.ts': `${IMPORT}export const used = 42\nexport const unused = secret('never-used-value')`,
    })
    await bundler.bundle({ root, minify: true, options })
    const text = Object.values(await filesIn(join(root, 'out'))).join('')
    expect(text).not.toContain('kms:v1:')
    expect(text).not.toMatch(/kms|node:https|createECDH/)
    expect(text.length).toBeLessThan(100)
  })

  it.each(shareOf([true, 'inline'] as const, at, 2))(
    'maps a stack trace to the right line of the source, with sourcemap %s',
    async (sourcemap) => {
      const root = await project({
        'src/main.ts': [
          `import { secret } from 'unplugin-kms/secret'`,
          `interface Erased { a: string }`,
          `export const key: Promise<string> = secret(\`several`,
          `lines-of-secret\`)`,
          `export function fail(): never {`,
          `  const own: Erased = { a: 'x' }`,
          `  throw new Error('line seven ' + own.a)`,
          `}`,
          `try { fail() } catch (error) { console.log((error as Error).stack) }`,
        ].join('\n'),
      })
      const { outputs } = await bundler.bundle({ root, sourcemap, minify: true, options })
      const printed = await run(outputs[0]!, kms.env, ['--enable-source-maps'])
      expect(printed).toMatch(/src\/main\.ts:7:\d+/)
      const everything = Object.values(await filesIn(join(root, 'out'))).join('\n')
      expect(everything).not.toContain('lines-of-secret')
      const map =
        sourcemap === true
          ? await readFile(`${outputs[0]!}.map`, 'utf8')
          : Buffer.from(
              /base64,([\w+/=]+)/.exec(await readFile(outputs[0]!, 'utf8'))![1]!,
              'base64',
            ).toString()
      expect(map).not.toContain('lines-of-secret')
      expect(map).toContain("secret('•••'")
    },
  )

  it('shows no value of a secret that is printed, before and after decryption', async () => {
    const root = await project({
      'src/main.ts': `import { inspect } from 'node:util'
${IMPORT}
const key = secret.env('KEY')
const error = Object.assign(new Error('with a secret'), { key })
const print = () => console.log(key, inspect(key, { showHidden: true, depth: 9, showProxy: true }), JSON.stringify({ key }), inspect(error), Object.keys(key), { ...key })
const refused = () => { try { return \`\${key}\` } catch (error) { return (error as { code: string }).code } }
print()
console.log(refused(), (await key).length)
print()
console.log(refused())`,
    })
    const { outputs } = await bundler.bundle({
      root,
      options: { ...options, env: { KEY: 'value-that-hides' } },
    })
    const printed = await run(outputs[0]!, kms.env)
    expect(printed).not.toContain('value-that-hides')
    expect(printed.match(/NOT_AWAITED/g)).toHaveLength(2)
    expect(printed).toContain('16')
    expect(printed).toContain('[secret KEY]')
  })
})

/** Keeps what the commands remember of a file's pin away from the user's own folder. */
async function withState<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = folder
  try {
    return await work()
  } finally {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  }
}
