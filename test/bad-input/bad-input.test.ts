import { createServer } from 'node:net'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { describe, expect, it } from 'vitest'
import { publicKeyDigest } from '../../src/crypto/data-key-pair.js'
import { decodeToken, encodeToken, type Token } from '../../src/crypto/token.js'
import { BUNDLERS, type Bundler, type Job } from '../support/bundle.js'
import { filesIn, KEY_ARN, localPair, project, secretsFile } from '../support/project.js'

const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`
const VALUE = 'hunter2-correct-horse'

/**
 * Bundles, and expects one error with this code, at this place if it has one, that contains no value, and
 * no output file.
 */
async function refused(bundler: Bundler, job: Job, code: string, place?: string) {
  const failure: unknown = await bundler.bundle(job).then(
    () => null,
    (error: unknown) => error,
  )
  expect(failure, 'the build succeeded').not.toBeNull()
  const text = allText(failure)
  expect(text).toContain(`[${code}]`)
  if (place) expect(text).toContain(`${place}: `)
  expect(text).not.toContain(VALUE)
  expect(await filesIn(join(job.root, 'out'))).toEqual({})
  return text
}

/** Everything that a bundler attaches to an error, since it may print any of it. */
function allText(error: unknown, seen = new Set<unknown>()): string {
  if (typeof error !== 'object' || error === null) return String(error)
  if (seen.has(error)) return ''
  seen.add(error)
  const keys = Object.getOwnPropertyNames(error)
  return keys
    .map((key) => `${key}: ${allText((error as Record<string, unknown>)[key], seen)}`)
    .join('\n')
}

const withFile = async (code: string, entries: Record<string, string> = { DB_PASSWORD: VALUE }) => {
  const root = await project({ 'src/main.ts': code })
  const pair = await secretsFile(join(root, 'kms-secrets.json'), entries)
  return { root, pair }
}

describe.each(BUNDLERS)('$name', (bundler) => {
  it.each([
    [
      'a dynamic argument',
      'const n = "x"\nexport default secret.env(n)',
      'ARGUMENT_NOT_STATIC',
      'src/main.ts:3:16',
    ],
    [
      'an environment variable that is not set',
      `export default secret.env('NOT_SET')`,
      'ENV_UNSET',
      'src/main.ts:2:16',
    ],
    [
      'a name that the secrets file lacks',
      `export default secret.named('DB_PASWORD')`,
      'NAME_UNKNOWN',
      'src/main.ts:2:16',
    ],
    [
      'a file that is not there',
      `export default secret.file('./no.pem')`,
      'FILE_UNREADABLE',
      'src/main.ts:2:16',
    ],
    ['an empty plaintext', `export default secret('')`, 'PLAINTEXT_EMPTY', 'src/main.ts:2:16'],
    [
      'a lone surrogate',
      String.raw`export default secret('${VALUE}\ud83d')`,
      'PLAINTEXT_LONE_SURROGATE',
      'src/main.ts:2:16',
    ],
    [
      'a string that starts with kms:v and is not a token',
      `export default secret('kms:v1:${VALUE}')`,
      'TOKEN_INVALID',
      'src/main.ts:2:16',
    ],
    [
      'secret used as a value',
      `export default [secret('${VALUE}'), secret]`,
      'MARK_AS_VALUE',
      'src/main.ts:2:50',
    ],
    [
      'a marked module that does not parse',
      `export default secret('${VALUE}' oops)`,
      'SOURCE_UNPARSABLE',
      'src/main.ts:2:47',
    ],
  ])('rejects %s', async (_, code, errorCode, place) => {
    const { root } = await withFile(IMPORT + code)
    await refused(bundler, { root, options: { env: { OTHER: VALUE } } }, errorCode, place)
  })

  it('rejects an environment variable whose value is empty, or looks like a token', async () => {
    const { root } = await withFile(`${IMPORT}export default secret.env('KEY')`)
    await refused(
      bundler,
      { root, options: { env: { KEY: '' } } },
      'PLAINTEXT_EMPTY',
      'src/main.ts:2:16',
    )
    await refused(
      bundler,
      { root, options: { env: { KEY: `kms:v1:${VALUE}` } } },
      'TOKEN_INVALID',
      'src/main.ts:2:16',
    )
  })

  it('rejects a token of a secrets file in a literal', async () => {
    const { root } = await withFile('')
    const { secrets } = JSON.parse(await readFile(join(root, 'kms-secrets.json'), 'utf8')) as {
      secrets: Record<string, string>
    }
    await writeFile(
      join(root, 'src/main.ts'),
      `${IMPORT}export default secret('${secrets.DB_PASSWORD}')`,
    )
    await refused(bundler, { root }, 'TOKEN_NAMED', 'src/main.ts:2:16')
  })

  it('rejects a token that is sealed to another secrets file', async () => {
    const { root, pair } = await withFile('')
    const foreign: Token = {
      kind: 'literal',
      fingerprint: localPair().fingerprint,
      encapsulatedKey: pair.publicKey.subarray(-65),
      ciphertext: Buffer.alloc(20),
    }
    await writeFile(
      join(root, 'src/main.ts'),
      `${IMPORT}export default secret('${encodeToken(foreign)}')`,
    )
    await refused(bundler, { root }, 'TOKEN_FOREIGN', 'src/main.ts:2:16')
  })

  it('rejects secret.named without a secrets file, and a missing secrets file', async () => {
    const root = await project({
      'src/main.ts': `${IMPORT}export default secret.named('DB_PASSWORD')`,
    })
    await refused(
      bundler,
      { root, options: { secretsFile: undefined as never } },
      'SECRETS_FILE_MISSING',
      'src/main.ts:2:16',
    )
    const text = await refused(
      bundler,
      { root, options: { secretsFile: join(root, 'prod.json') } },
      'SECRETS_FILE_MISSING',
    )
    expect(text).toContain('prod.json')
  })

  it.each<[string, (file: Record<string, any>) => unknown, RegExp]>([
    ['truncated', (file) => JSON.stringify(file).slice(0, -20), /not valid JSON/],
    ['of another version', (file) => ({ ...file, version: 2 }), /version 2/],
    ['with an unknown field', (file) => ({ ...file, extra: 1 }), /unknown field "extra"/],
    ['without a field', (file) => ({ ...file, secrets: undefined }), /no field "secrets"/],
    [
      'whose pairs are not the tokens’',
      (file) => ({ ...file, secrets: { A: reseal(file.secrets.DB_PASSWORD) } }),
      /none of dataKeyPairs/,
    ],
    [
      'whose current pair is missing',
      (file) => ({ ...file, current: '0123456789abcdef' }),
      /current/,
    ],
    ['whose public key was swapped', (file) => swapped(file, file.current), /fingerprint/],
    [
      'whose key ARN is none',
      (file) => edited(file, 'keyId', 'arn:aws:kms:us-east-1:evil.example:key/x'),
      /key ARN/,
    ],
    ['with a key by its alias', (file) => edited(file, 'keyId', 'alias/app'), /alias/],
    ['with a damaged blob', (file) => edited(file, 'ciphertextBlob', '!!'), /base64/],
  ])('a secrets file %s', async (_, edit, reason) => {
    const { root } = await withFile(`${IMPORT}export default secret.named('DB_PASSWORD')`)
    const path = join(root, 'kms-secrets.json')
    const changed = edit(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)
    await writeFile(path, typeof changed === 'string' ? changed : JSON.stringify(changed))
    const text = await refused(bundler, { root }, 'SECRETS_FILE_INVALID')
    expect(text).toMatch(reason)
    expect(text).toContain('kms-secrets.json')
  })

  it('rejects a public key that differs from the pin, even with a matching fingerprint', async () => {
    const { root, pair } = await withFile(`${IMPORT}export default secret.named('DB_PASSWORD')`)
    const pin = publicKeyDigest(pair.publicKey)
    await bundler.bundle({ root, options: { pin } })
    expect(Object.keys(await filesIn(join(root, 'out')))).not.toEqual([])
    const other = await project({ 'src/main.ts': 'not even parsed: (' })
    const swappedPair = await secretsFile(join(other, 'kms-secrets.json'), {})
    const text = await refused(bundler, { root: other, options: { pin } }, 'PIN_MISMATCH')
    expect(text).toContain(pin)
    expect(text).toContain(publicKeyDigest(swappedPair.publicKey))
  })

  it('rejects a secrets file that is wrapped under another key than the options name', async () => {
    const { root } = await withFile(`${IMPORT}export default secret.named('DB_PASSWORD')`)
    await refused(
      bundler,
      { root, options: { keyId: KEY_ARN.replace('1111-', '9999-') } },
      'PIN_MISMATCH',
    )
  })

  it('rejects an unknown option, an invalid pin and a context that differs from the file’s', async () => {
    const { root } = await withFile(`${IMPORT}export default secret.named('DB_PASSWORD')`)
    const bad = async (options: object, text: RegExp) => {
      const failure = await Promise.resolve()
        .then(() => bundler.bundle({ root, options: options }))
        .catch(allText)
      expect(failure).toContain('[OPTIONS_INVALID]')
      expect(failure).toMatch(text)
    }
    await bad({ keyID: KEY_ARN }, /keyID/)
    await bad({ pin: 'sha256:abc' }, /sha256:abc/)
    await bad({ encryptionContext: { app: 'other' } }, /differ/)
  })

  it('rejects a plaintext without a key and without a secrets file', async () => {
    const root = await project({ 'src/main.ts': `${IMPORT}export default secret('${VALUE}')` })
    await refused(
      bundler,
      { root, options: { secretsFile: undefined as never } },
      'KEY_MISSING',
      'src/main.ts:2:16',
    )
  })

  it('fails if KMS cannot be reached', async () => {
    const root = await project({ 'src/main.ts': `${IMPORT}export default secret('${VALUE}')` })
    const aws = {
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${await closedPort()}`,
      credentials: CREDENTIALS,
    }
    await refused(
      bundler,
      { root, options: { keyId: KEY_ARN, secretsFile: undefined as never, aws } },
      'KMS_UNREACHABLE',
      'src/main.ts:2:16',
    )
  })

  it('fails if KMS denies access, and names action and key', async () => {
    const root = await project({ 'src/main.ts': `${IMPORT}export default secret('${VALUE}')` })
    const kms = await startLocalKms()
    const { arn } = await kms.createKey()
    const { arn: user } = kms.createUser({ name: 'builder', policies: [] })
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = kms.envFor(kms.credentialsOf(user))
    const aws = {
      endpoint: kms.url,
      credentials: { accessKeyId: AWS_ACCESS_KEY_ID!, secretAccessKey: AWS_SECRET_ACCESS_KEY! },
    }
    const text = await refused(
      bundler,
      { root, options: { keyId: arn, secretsFile: undefined as never, aws } },
      'KMS_DENIED',
      'src/main.ts:2:16',
    )
    expect(text).toContain('kms:GenerateDataKeyPairWithoutPlaintext')
    expect(text).toContain(arn)
    await kms.close()
  })

  it('rejects a plaintext literal in a module that the options exclude', async () => {
    const { root } = await withFile(`${IMPORT}export default secret('${VALUE}')`)
    const options = { exclude: /main\.ts/ }
    await refused(bundler, { root, options }, 'MARK_UNTRANSFORMED', 'src/main.ts:2:16')
  })

  it('rejects plaintext literals if the options forbid them', async () => {
    const { root } = await withFile(`${IMPORT}export default secret('${VALUE}')`)
    await refused(
      bundler,
      { root, options: { plaintextLiterals: 'error' } },
      'PLAINTEXT_LITERAL',
      'src/main.ts:2:16',
    )
  })

  it('rejects output that contains a plaintext, and names the place without a mark', async () => {
    const { root } = await withFile(
      `${IMPORT}export const a = secret('${VALUE}')\nexport const b = '${VALUE}'`,
    )
    const text = await refused(bundler, { root }, 'LEAK')
    expect(text).toContain('src/main.ts:2')
  })
})

const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example' }

function reseal(token: string): string {
  return encodeToken({ ...(decodeToken(token) as Token), fingerprint: localPair().fingerprint })
}

function swapped(file: Record<string, any>, fingerprint: string) {
  const publicKey = localPair().publicKey.toString('base64')
  return {
    ...file,
    dataKeyPairs: { [fingerprint]: { ...file.dataKeyPairs[fingerprint], publicKey } },
  }
}

function edited(file: Record<string, any>, field: string, value: string) {
  const pair = file.dataKeyPairs[file.current]
  const [blob] = pair.privateKeyCiphertextBlobs
  return {
    ...file,
    dataKeyPairs: {
      [file.current]: { ...pair, privateKeyCiphertextBlobs: [{ ...blob, [field]: value }] },
    },
  }
}

/** A port of this machine on which nobody listens. */
function closedPort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}
