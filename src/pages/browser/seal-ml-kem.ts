import { Aes256Gcm, CipherSuite, HkdfSha384 } from '@hpke/core'
import { MlKem1024 } from '@hpke/ml-kem'
import { startPage } from './seal-form.js'

startPage({
  name: 'ML-KEM-1024',
  spkiHeader: '30820632300b06096086480165030404030382062100',
  publicKeyBytes: 1568,
  prefix: 'kms:v2:',
  suiteByte: [0x42],
  hpke: new CipherSuite({ kem: new MlKem1024(), kdf: new HkdfSha384(), aead: new Aes256Gcm() }),
})
