import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { startPage } from './seal-form.js'

startPage({
  name: 'P-256',
  spkiHeader: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  publicKeyBytes: 65,
  prefix: 'kms:v1:',
  suiteByte: [],
  hpke: new CipherSuite({
    kem: new DhkemP256HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  }),
})
