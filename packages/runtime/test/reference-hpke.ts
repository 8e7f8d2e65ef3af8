import { createHmac, hkdfSync, type ECDH } from 'node:crypto'

const label = (text: string) => Buffer.from(`HPKE-v1HPKE\0\x10\0\x01\0\x02${text}`)
const extract = (text: string) => createHmac('sha256', '').update(label(text)).digest()

/** Returns the key and base nonce of RFC 9180's key schedule, with Node's HKDF. */
export function keyOf(sharedSecret: Buffer, info = 'unplugin-kms/v1') {
  const schedule = [Buffer.of(0), extract('psk_id_hash'), extract(`info_hash${info}`)]
  const expand = (text: string, length: number) =>
    Buffer.from(
      hkdfSync(
        'sha256',
        label('secret'),
        sharedSecret,
        Buffer.concat([Buffer.of(0, length), label(text), ...schedule]),
        length,
      ),
    )
  return { key: expand('key', 32), nonce: expand('base_nonce', 12) }
}

/** Returns the shared secret of RFC 9180's Decap, with Node's HKDF, for any encoding of `enc`. */
export function sharedSecretOf(pair: ECDH, enc: Buffer): Buffer {
  const kem = (text: string) => Buffer.from(`HPKE-v1KEM\0\x10${text}`)
  const eaePrk = Buffer.concat([kem('eae_prk'), pair.computeSecret(enc)])
  const info = [Buffer.of(0, 32), kem('shared_secret'), enc, pair.getPublicKey()]
  return Buffer.from(hkdfSync('sha256', eaePrk, '', Buffer.concat(info), 32))
}
