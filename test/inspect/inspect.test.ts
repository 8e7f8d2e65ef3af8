import { symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findEmbedded } from '../../src/embedded/find-embedded.js'
import { inspect } from '../../src/inspect/inspect.js'
import { directCall } from '../../src/pipeline/emit/shim.js'
import { KEY_ARN, localPair, project } from '../support/project.js'
import { opened, sealed, small } from './sealed.js'
import { zip } from './zip.js'
import { runsOf } from '../support/combinations.js'

const FACTS = {
  name: 'DB_PASSWORD',
  kind: 'literal',
  format: 'text',
  mode: 'envelope',
  keys: [KEY_ARN],
  regions: ['us-east-1'],
  encryptionContext: {},
  ciphertextSize: 'hunter2'.length + 16,
  elsewhere: [],
}

/** What is found in one bundle of this code. */
const found = async (code: string, name = 'main.mjs') => inspect(await project({ [name]: code }))

describe('inspect', () => {
  it('reports name, kind, mode, key, region, context, size and chunk of a secret', async () => {
    const { pair, code } = await small()
    expect(await found(code)).toEqual({
      files: 1,
      notFollowed: [],
      secrets: [{ ...FACTS, fingerprint: pair.fingerprint, chunks: ['main.mjs'] }],
      dataKeyPairs: [
        {
          fingerprint: pair.fingerprint,
          keys: [KEY_ARN],
          regions: ['us-east-1'],
          encryptionContext: {},
          chunks: ['main.mjs'],
        },
      ],
      duplicates: [],
      broken: [],
    })
  })

  it('distinguishes bytes, JSON and entries of a secrets file', async () => {
    const pair = localPair()
    const bytes = await sealed(pair, 'b', 'bytes')
    const named = await sealed(pair, 'n', 'named', 'N')
    const { secrets } = await found(
      `const o = ${opened(pair)}; o("${bytes}", "B", "bytes"); o("${named}", "N", "json")`,
    )
    expect(secrets.map(({ name, kind, format }) => [name, kind, format])).toEqual([
      ['B', 'bytes', 'bytes'],
      ['N', 'named', 'json'],
    ])
  })

  it('reports the pair that each secret is sealed to, whichever chunk contains it', async () => {
    const [one, other] = [localPair(), localPair(KEY_ARN.replace('us-east-1', 'eu-west-1'))]
    other.encryptionContext = { stage: 'prod', app: 'orders' }
    const root = await project({
      'pairs.mjs': `export const a = ${opened(one)}, b = ${opened(other)}`,
      'main.mjs': `a("${await sealed(one)}", "A"); b("${await sealed(other)}", "B")`,
    })
    const { secrets } = await inspect(root)
    expect(secrets.map(({ name, regions }) => [name, ...regions])).toEqual([
      ['A', 'us-east-1'],
      ['B', 'eu-west-1'],
    ])
    expect(JSON.stringify(secrets[1]!.encryptionContext)).toBe('{"app":"orders","stage":"prod"}')
  })

  it('reports all keys of a pair that is wrapped in several regions', async () => {
    const pair = localPair()
    const west = KEY_ARN.replace('us-east-1', 'us-west-2')
    pair.wrapped.push({ keyId: west, ciphertextBlob: 'AAAA' })
    const { secrets, dataKeyPairs } = await found(
      `const o = ${opened(pair)}; o("${await sealed(pair)}", "A")`,
    )
    expect(secrets[0]!.keys).toEqual([KEY_ARN, west])
    expect(dataKeyPairs[0]!.regions).toEqual(['us-east-1', 'us-west-2'])
  })

  it('reports the encryption context, whatever its names', async () => {
    const encryptionContext = JSON.parse(
      '{"__proto__":"x","app":"\\"__proto__\\":","constructor":"y"}',
    )
    const call = opened({ ...localPair(), encryptionContext })
    const given: object = runInNewContext(call, {
      envelope: (_: unknown, context: object) => context,
    })
    const { dataKeyPairs } = await found(`const o = ${call}`)
    for (const context of [given, dataKeyPairs[0]!.encryptionContext])
      expect(Object.entries(context).sort()).toEqual(Object.entries(encryptionContext))
  })

  it('reports keys and context of a CiphertextBlob in mode direct', async () => {
    const wrapped = [{ keyId: KEY_ARN, ciphertextBlob: Buffer.alloc(152).toString('base64') }]
    const { args } = directCall({ wrapped, encryptionContext: { a: 'b' } }, 'X', 'json', {}, {})
    const { secrets } = await found(`direct(${args.map((arg) => JSON.stringify(arg)).join()})`)
    expect(secrets).toMatchObject([
      {
        name: 'X',
        format: 'json',
        mode: 'direct',
        fingerprint: null,
        keys: [KEY_ARN],
        encryptionContext: { a: 'b' },
        ciphertextSize: 152,
        chunks: ['main.mjs'],
      },
    ])
  })

  it('reports secrets that occur in several chunks', async () => {
    const { code, use } = await small()
    const root = await project({ 'a.mjs': code, 'b.cjs': use, 'c.js': '' })
    const { secrets, duplicates, files } = await inspect(root)
    expect(files).toBe(3)
    expect(secrets).toHaveLength(1)
    expect(duplicates).toEqual([{ name: 'DB_PASSWORD', chunks: ['a.mjs', 'b.cjs'] }])
  })

  it('reports malformed tokens with the reason', async () => {
    const { token } = await small()
    const { broken, secrets } = await found(`open("${token.slice(0, 59)}", "CUT")`)
    expect(broken).toEqual([{ file: 'main.mjs', reason: 'it is too short, as if cut off' }])
    expect(secrets).toEqual([])
  })

  it('lists a token without a call, without name and key', async () => {
    const { token } = await small()
    const { secrets } = await found(`export default ["${token}"]`)
    expect(secrets).toMatchObject([{ name: null, keys: [], chunks: ['main.mjs'] }])
  })

  it('ignores strings that only mention tokens and key ARNs', async () => {
    const { secrets, broken, dataKeyPairs } = await found(
      `// kms:v1:…\nif (text.startsWith("kms:v1:")) use("kms:v1:AAAA", [["${KEY_ARN}"]], ["${KEY_ARN}"])`,
    )
    expect([secrets, broken, dataKeyPairs]).toEqual([[], [], []])
  })
})

describe('inspect of minified code', () => {
  const forms: [string, (parts: Awaited<ReturnType<typeof small>>) => string][] = [
    ['single quotes', ({ code }) => code.replaceAll('"', "'")],
    ['templates', ({ code }) => code.replace('"pair"', 'pair').replaceAll('"', '`')],
    ['spread over lines', ({ code }) => code.replaceAll(/([([,{])/g, '$1\n  ')],
    [
      'escapes in the name',
      ({ code }) => code.replace('DB_PASSWORD', String.raw`\x44B\u005fPASSWORD`),
    ],
    ['an indirect call', ({ code }) => code.replace('= open(', '= (0, m.open)(')],
    ['eval', ({ code }) => `eval(${JSON.stringify(code)})`],
    ['eval of eval', ({ code }) => `eval(${JSON.stringify(`eval(${JSON.stringify(code)})`)})`],
    ['eval, in single quotes', ({ code }) => `eval(${JSON.stringify(code.replaceAll('"', "'"))})`],
    [
      'a token made a constant',
      ({ call, token }) => `const t="${token}",o=${call};export const p=o(t,"DB_PASSWORD")`,
    ],
    [
      'all strings made constants',
      ({ call, token }) =>
        `const t="${token}",n="DB_PASSWORD",k="${KEY_ARN}";const o=${call.replace(`"${KEY_ARN}"`, 'k')};o(t,n)`,
    ],
    [
      'the pair taken apart by inlining',
      ({ call, use }) => {
        const [blobs, context] = /\[\[.*\]\]|\{\}/g[Symbol.match](call)!
        return `const w=${blobs},c=${context};const open=g(f(w,c,{start:"load"}));${use}`
      },
    ],
  ]
  it.each(forms)('%s', async (_, write) => {
    const parts = await small()
    const { secrets } = await found(write(parts))
    expect(secrets).toMatchObject([{ ...FACTS, fingerprint: parts.pair.fingerprint }])
  })

  it('reads a name of any characters', async () => {
    const { call, token } = await small()
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.nat(2),
        async (name, depth) => {
          let code = `const o = ${call}; o("${token}", ${JSON.stringify(name)})`
          for (let i = 0; i < depth; i++) code = `eval(${JSON.stringify(code)})`
          const { items } = await findEmbedded([Buffer.from(code)])
          expect(items.find(({ what }) => what === 'token')).toMatchObject({ name })
        },
      ),
      { numRuns: runsOf(50) },
    )
  })
})

describe('inspect of a large file', () => {
  it('finds secrets across the borders of blocks', async () => {
    const { code, token } = await small()
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3_000_000 }),
        fc.integer({ min: 1, max: 700_000 }),
        async (before, block) => {
          const bytes = Buffer.concat([
            Buffer.alloc(before, 'x'),
            Buffer.from(`;${code}`),
            Buffer.alloc(2_000_000, 'y'),
          ])
          const { items } = await findEmbedded(blocks(bytes, block))
          expect(items.map(({ what }) => what)).toEqual(['pair', 'token'])
          expect(items[1]).toMatchObject({ name: 'DB_PASSWORD' })
        },
      ),
      { numRuns: runsOf(20) },
    )
    expect(token).toMatch(/^kms:v1:/)
  })

  it('reads names and formats completely, wherever they end', async () => {
    const { call, token } = await small()
    for (let length = 450; length < 520; length++) {
      const name = 'N'.repeat(length)
      const code = `const o = ${call}; o("${token}", "${name}", "bytes")`
      const { items } = await findEmbedded([Buffer.from(code)])
      expect(items[1]).toMatchObject({ name, format: 'bytes' })
    }
  })

  it('reads all keys of a pair, wherever they end', async () => {
    for (let length = 1700; length < 1900; length += 3) {
      const pair = localPair()
      pair.encryptionContext = { app: 'x'.repeat(length) }
      const { items } = await findEmbedded([Buffer.from(`o = ${opened(pair)}`)])
      expect(items).toMatchObject([{ what: 'pair', fingerprint: pair.fingerprint }])
    }
  })

  it('stays fast, without long names, if many places only look like calls', async () => {
    const { code, token } = await small()
    const long = `o("${token}","${'N'.repeat(600)}")`
    const named = async (text: string) =>
      (await findEmbedded([Buffer.from(text)])).items.flatMap((one) =>
        'name' in one ? one.name!.length : [],
      )
    expect(await named(`${code};${long}`)).toEqual([11, 600])
    expect(await named(`${`o("${token}",`.repeat(1_000)};${code};${long}`)).toEqual([11])
  })

  it('finds a secret that is larger than a block', async () => {
    const pair = localPair()
    const token = await sealed(pair, 'x'.repeat(5_000_000))
    const bytes = Buffer.from(`const o=${opened(pair)};o("${token}","LARGE");o("${token}","AGAIN")`)
    const { items } = await findEmbedded(blocks(bytes, 65_536))
    expect(items).toMatchObject([
      { what: 'pair' },
      { name: 'LARGE', ciphertextSize: 5_000_016 },
      { name: 'AGAIN' },
    ])
  })

  function* blocks(bytes: Buffer, size: number) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
})

describe('inspect of files', () => {
  it('reads the entries of a zip like a folder, also of a zip in a folder', async () => {
    const { code, use } = await small()
    const archive = zip({ 'index.mjs': code, 'lib/b.mjs': use, 'README.md': 'hello' })
    const root = await project({ 'f.zip': archive, 'dist/deep/g.zip': archive })
    const [direct, nested] = [await inspect(join(root, 'f.zip')), await inspect(join(root, 'dist'))]
    expect(direct.files).toBe(3)
    expect(direct.secrets[0]!.chunks).toEqual(['index.mjs', 'lib/b.mjs'])
    expect(nested.secrets[0]!.chunks).toEqual(['deep/g.zip/index.mjs', 'deep/g.zip/lib/b.mjs'])
  })

  it('does not follow a link out of a folder, and reports it', async () => {
    const { code } = await small()
    const root = await project({ 'outside/main.mjs': code, 'dist/real.mjs': code })
    const links = {
      'in.mjs': 'real.mjs',
      'out.mjs': '../outside/main.mjs',
      outdir: '../outside',
      up: '..',
      itself: 'itself',
      round: '.',
      'gone.mjs': 'nothing.mjs',
    }
    for (const [name, target] of Object.entries(links))
      await symlink(target, join(root, 'dist', name))
    const { files, notFollowed, secrets } = await inspect(join(root, 'dist'))
    expect([files, notFollowed]).toEqual([1, ['out.mjs', 'outdir', 'up']])
    expect(secrets[0]!.chunks).toEqual(['real.mjs'])
  })

  it('rejects a zip entry whose name points out of the zip', async () => {
    const { code } = await small()
    const root = await project({ 'f.zip': zip({ '../../main.mjs': code }) })
    await expect(inspect(join(root, 'f.zip'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })

  it('distinguishes files of several paths', async () => {
    const { code } = await small()
    const root = await project({ 'a/main.mjs': code, 'b/main.mjs': code })
    const { duplicates } = await inspect([join(root, 'a'), join(root, 'b/main.mjs')])
    expect(duplicates[0]!.chunks).toEqual([join(root, 'a/main.mjs'), join(root, 'b/main.mjs')])
  })

  it('does not count a source map as a chunk, and reads one by itself', async () => {
    const { code, token } = await small()
    const map = JSON.stringify({ version: 3, sourcesContent: [`secret("${token}")`, code] })
    const root = await project({ 'main.mjs': code, 'main.mjs.map': map })
    const both = await inspect(root)
    expect(both.secrets).toMatchObject([{ chunks: ['main.mjs'], elsewhere: ['main.mjs.map'] }])
    expect(both.duplicates).toEqual([])
    const alone = await inspect(join(root, 'main.mjs.map'))
    expect(alone.secrets).toMatchObject([{ ...FACTS, chunks: [], elsewhere: ['main.mjs.map'] }])
  })

  it.each([
    ['that is not there', 'nothing.mjs', 'ENOENT'],
    ['that is a corrupt zip', 'broken.zip', 'cannot be read'],
    ['that is a zip by its name only', 'text.zip', 'cannot be read'],
    ['that has no end', '/dev/zero', 'not a regular file'],
  ])('rejects a file %s', async (_, name, said) => {
    const root = await project({
      'broken.zip': 'PK\x03\x04 and nothing more',
      'text.zip': 'hello',
    })
    const error = await inspect(resolve(root, name)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'FILE_UNREADABLE' })
    expect((error as Error).message).toContain(said)
  })

  it('rejects a zip with a wrong checksum', async () => {
    const { code } = await small()
    const archive = zip({ 'index.mjs': code })
    // The CRC-32 in the local header, and in the central directory, which is read.
    const directory = archive.lastIndexOf(Buffer.from('PK\x01\x02'))
    archive[14]! ^= 0xff
    archive[directory + 16]! ^= 0xff
    const root = await project({})
    await writeFile(join(root, 'f.zip'), archive)
    await expect(inspect(join(root, 'f.zip'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })
})
