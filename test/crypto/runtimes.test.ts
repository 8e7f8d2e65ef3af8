import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { lambdaNode } from '../../fixtures/lambda-runtime/index.mjs'
import { fingerprintOf } from '../../src/crypto/data-key-pair.js'
import { generatePair, importPrivateKey, openToken } from '../../src/crypto/private-key.js'
import { sealToText } from '../../src/crypto/seal.js'
import { decodeToken, type Token } from '../../src/crypto/token.js'
import { ABSENT, BUN } from '../bundlers/hosts.js'
import { project } from '../support/project.js'

// Bun's cryptography is BoringSSL, and later versions of Node.js have another OpenSSL.
const RUNTIMES = [
  ['Node.js 22', lambdaNode(22), 'node22 is not installed'],
  ['Node.js 24', lambdaNode(24), 'node24 is not installed'],
  ['Bun', ABSENT.bun ? undefined : BUN, 'bun is not installed'],
] as const

const SCRIPT = `
import { encapsulate, sealToText, openToken, importPrivateKey, decodeToken, encodeToken, dhkem } from './crypto.mjs'
const { pair, pkcs8, seed, tokens, points } = JSON.parse(process.argv[2])
pair.publicKey = Buffer.from(pair.publicKey, 'base64')
const privateKey = await importPrivateKey(Buffer.from(pkcs8, 'base64'), 'P-256')
const opened = []
for (const text of tokens)
  opened.push(Buffer.from(await openToken(privateKey, decodeToken(text), 'DB')).toString())
const accepted = points.filter((point) => {
  try { return dhkem.encapsulate(Buffer.from(point, 'base64')) } catch { return false }
})
const seal = await encapsulate(pair)
console.log(JSON.stringify({
  opened,
  accepted,
  seeded: await sealToText(pair, 'named', Buffer.from('seeded'), 'DB', Buffer.from(seed, 'base64')),
  fresh: await sealToText(pair, 'named', Buffer.from('fresh'), 'DB'),
  built: ['a', 'b'].map((name) => encodeToken(seal('literal', Buffer.from(name), name))),
}))
`

/** Bundles the script with the code under test, and returns its path. */
async function bundledScript(): Promise<string> {
  const root = await project({ 'run.mjs': SCRIPT })
  await build({
    stdin: {
      contents: ['seal', 'private-key', 'token']
        .map((name) => `export * from './src/crypto/${name}.js'`)
        .concat(`export * as dhkem from './src/crypto/dhkem.js'`)
        .join('\n'),
      resolveDir: join(import.meta.dirname, '../..'),
    },
    outfile: join(root, 'crypto.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  })
  return join(root, 'run.mjs')
}

it.for(RUNTIMES)(
  'seals the same token with a seed in %s, and opens and rejects as here',
  async ([, runtime, reason], { skip }) => {
    if (!runtime) return skip(reason)
    const { publicKey, privateKey } = await generatePair('P-256')
    const pair = {
      publicKey,
      fingerprint: fingerprintOf(publicKey),
      wrapped: [],
      encryptionContext: {},
    }
    const seed = Buffer.alloc(32, 7)
    const point = publicKey.subarray(-65)
    const off = Buffer.from(point)
    off[40]! ^= 1
    const points = [
      off,
      Buffer.of(0),
      Buffer.concat([Buffer.of(4), Buffer.alloc(64)]),
      Buffer.concat([Buffer.of(4), Buffer.alloc(64, 255)]),
      point.subarray(0, 64),
      Buffer.concat([Buffer.of(2 + (point[64]! & 1)), point.subarray(1, 33)]),
      Buffer.concat([Buffer.of(6 + (point[64]! & 1)), point.subarray(1)]),
    ]
    const input = {
      pair: { ...pair, publicKey: publicKey.toString('base64') },
      pkcs8: privateKey.toString('base64'),
      seed: seed.toString('base64'),
      tokens: [await sealToText(pair, 'named', Buffer.from('from here'), 'DB')],
      points: points.map((bytes) => bytes.toString('base64')),
    }
    const { stdout } = await promisify(execFile)(runtime, [
      await bundledScript(),
      JSON.stringify(input),
    ])
    const { opened, accepted, seeded, fresh, built } = JSON.parse(stdout) as {
      opened: string[]
      accepted: string[]
      seeded: string
      fresh: string
      built: string[]
    }
    expect(opened).toEqual(['from here'])
    expect(accepted).toEqual([])
    expect(seeded).toBe(await sealToText(pair, 'named', Buffer.from('seeded'), 'DB', seed))
    const key = await importPrivateKey(privateKey, 'P-256')
    const plaintext = await openToken(key, decodeToken(fresh) as Token, 'DB')
    expect(Buffer.from(plaintext).toString()).toBe('fresh')
    expect(built.map((text) => (decodeToken(text) as Token).sequence)).toEqual([0, 1])
  },
)
