import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import fc from 'fast-check'
import { createDecipheriv, createECDH, type ECDH } from 'node:crypto'
import { expect, it } from 'vitest'
import { recipient } from '../src/hpke.js'
import { keyOf, sharedSecretOf } from './reference-hpke.js'

const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

async function sealedMessage(
  info = new TextEncoder().encode('info'),
  aad = new Uint8Array(),
  plaintext = new TextEncoder().encode('plaintext'),
) {
  const pair = createECDH('prime256v1')
  pair.generateKeys()
  const sender = await suite.createSenderContext({
    recipientPublicKey: await suite.kem.deserializePublicKey(Uint8Array.from(pair.getPublicKey())),
    info,
  })
  return {
    pair,
    sealed: Buffer.from(await sender.seal(plaintext, aad)),
    enc: Buffer.from(sender.enc),
  }
}

/** One character per byte, as in the shim. */
const publicKeyOf = (pair: ECDH) => pair.getPublicKey().toString('latin1')

const hex = (text: string) => Buffer.from(text, 'hex')

// RFC 9180, A.3.1: DHKEM(P-256, HKDF-SHA256) in base mode. The RFC prints no vector for AES-256-GCM
// with this KEM, so that what follows the shared secret is compared with Node's HKDF.
it('derives its keys from the shared secret of RFC 9180, A.3.1', () => {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(hex('f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2'))
  const enc = hex(
    '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900' +
      'be863c403ce65c9bfcb9382657222d18c4',
  )
  const shared = hex('c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8')
  expect(sharedSecretOf(pair, enc)).toEqual(shared)
  const { key, nonce } = keyOf(shared, 'info')
  expect(recipient(pair, publicKeyOf(pair), 'info')(enc)).toEqual([key, nonce])
})

it('has the key schedule of @hpke/core, for any info, aad and plaintext', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  await fc.assert(
    fc.asyncProperty(bytes, bytes, bytes, async (info, aad, plaintext) => {
      const { pair, enc, sealed } = await sealedMessage(info, aad, plaintext)
      const schedule = recipient(pair, publicKeyOf(pair), Buffer.from(info).toString('latin1'))
      const aead = createDecipheriv('aes-256-gcm', ...schedule(enc)).setAAD(aad)
      const opened = aead.setAuthTag(sealed.subarray(-16)).update(sealed.subarray(0, -16))
      aead.final()
      expect(new Uint8Array(opened)).toEqual(plaintext)
    }),
  )
})
