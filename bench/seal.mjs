// What sealing a secret takes, with the code in use, with @hpke/core, and with panva's hpke where it is
// installed (`--modules NODE_MODULES`), in turns.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { median, table } from './build/report.mjs'
import { internals } from './internals.mjs'

const { fingerprintOf, seal } = await internals('crypto/data-key-pair', 'crypto/seal')

const { values } = parseArgs({
  options: {
    secrets: { type: 'string', default: '500' },
    runs: { type: 'string', default: '7' },
    modules: { type: 'string' },
  },
})
const { publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { format: 'der', type: 'spki' },
  privateKeyEncoding: { format: 'der', type: 'pkcs8' },
})
const pair = {
  publicKey,
  fingerprint: fingerprintOf(publicKey),
  wrapped: [],
  encryptionContext: {},
}
const plaintexts = Array.from({ length: Number(values.secrets) }, () => randomBytes(32))

const reference = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})
const info = Buffer.from('unplugin-kms/v1')
const recipientPublicKey = await reference.kem.deserializePublicKey(
  Uint8Array.from(publicKey.subarray(-65)),
)

const LIBRARIES = {
  'node:crypto (in use)': (plaintext) => seal(pair, 'literal', plaintext),
  '@hpke/core': (plaintext) =>
    reference.seal({ recipientPublicKey, info }, plaintext, Uint8Array.of(1)),
}
if (values.modules) {
  const path = createRequire(join(values.modules, 'x.js')).resolve('hpke')
  const {
    CipherSuite: Suite,
    KEM_DHKEM_P256_HKDF_SHA256,
    KDF_HKDF_SHA256,
    AEAD_AES_256_GCM,
  } = await import(pathToFileURL(path).href)
  const suite = new Suite(KEM_DHKEM_P256_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM)
  const key = await suite.DeserializePublicKey(publicKey.subarray(-65))
  LIBRARIES.hpke = (plaintext) => suite.Seal(key, plaintext, { info, aad: Buffer.of(1) })
}

const WAYS = {
  'in parallel': (each) => Promise.all(plaintexts.map(each)),
  'one by one': async (each) => {
    for (const plaintext of plaintexts) await each(plaintext)
  },
}
const took = new Map()
for (let run = 0; run < Number(values.runs); run++) {
  for (const [library, each] of Object.entries(LIBRARIES)) {
    for (const [way, all] of Object.entries(WAYS)) {
      const begun = performance.now()
      await all(each)
      const name = `${library}, ${way}`
      took.set(name, [...(took.get(name) ?? []), (performance.now() - begun) / plaintexts.length])
    }
  }
}
console.log(
  `${plaintexts.length} secrets; ${cpus().length} cores (${cpus()[0].model}), Node ${process.versions.node}\n`,
)
console.log(
  table(
    ['', 'ms a secret', 'each run'],
    [...took].map(([name, each]) => [
      name,
      median(each).toFixed(2),
      each.map((ms) => ms.toFixed(2)).join(' '),
    ]),
  ),
)
