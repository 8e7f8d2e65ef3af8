// @ts-check
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { createHash, generateKeyPairSync } from 'node:crypto'

const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

/** @typedef {{ spki: Buffer, pkcs8: Buffer }} DataKeyPair both DER */

/** @returns {DataKeyPair} */
export function newPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }),
  }
}

/**
 * A token as the plugin makes it, by an independent implementation of HPKE.
 *
 * @param {Uint8Array} spki the data key pair's public key, DER
 * @param {string | Uint8Array} plaintext
 * @param {{ kind?: 1 | 2 | 3, name?: string }} [entry]
 */
export async function seal(spki, plaintext, { kind = 1, name = '' } = {}) {
  const sender = await suite.createSenderContext({
    recipientPublicKey: await suite.kem.deserializePublicKey(Uint8Array.from(spki.subarray(26))),
    info: new TextEncoder().encode('unplugin-kms/v1'),
  })
  const aad = Buffer.concat([Buffer.of(kind), Buffer.from(kind === 2 ? name : '')])
  const ciphertext = await sender.seal(Buffer.from(plaintext), aad)
  const fingerprint = createHash('sha256').update(spki).digest().subarray(0, 8)
  return tokenOf(Buffer.of(kind), fingerprint, Buffer.from(sender.enc), Buffer.from(ciphertext))
}

/**
 * Tokens of values that a build seals itself: messages of one encapsulation, bound to their names.
 *
 * @param {Uint8Array} spki
 * @param {{ kind?: 4 | 6, name: string, plaintext: string | Uint8Array }[]} messages
 */
export async function sealBuilt(spki, messages) {
  const sender = await suite.createSenderContext({
    recipientPublicKey: await suite.kem.deserializePublicKey(Uint8Array.from(spki.subarray(26))),
    info: new TextEncoder().encode('unplugin-kms/v1'),
  })
  const fingerprint = createHash('sha256').update(spki).digest().subarray(0, 8)
  const tokens = []
  for (const [sequence, { kind = 4, name, plaintext }] of messages.entries()) {
    const aad = Buffer.concat([Buffer.of(kind), Buffer.from(name)])
    const message = Buffer.from(await sender.seal(Buffer.from(plaintext), aad))
    const number = Buffer.alloc(4)
    number.writeUInt32BE(sequence)
    const parts = [Buffer.of(kind), fingerprint, Buffer.from(sender.enc), number, message]
    tokens.push(tokenOf(...parts))
  }
  return tokens
}

/** @param {Uint8Array[]} parts */
export const tokenOf = (...parts) => `kms:v1:${Buffer.concat(parts).toString('base64url')}`

/** @param {string} token */
export const bytesOf = (token) => Buffer.from(token.slice('kms:v1:'.length), 'base64url')
