import type { CipherSuite } from '@hpke/core'
import type { Suite } from './suites.js'

const loaded = new Map<Suite, Promise<CipherSuite>>()

/** Loads the library of a suite when it is first used: most builds with a secrets file never seal. */
export function cipherSuite(suite: Suite): Promise<CipherSuite> {
  const known = loaded.get(suite) ?? load(suite)
  loaded.set(suite, known)
  return known
}

async function load(suite: Suite): Promise<CipherSuite> {
  const hpke = await import('@hpke/core')
  const aead = new hpke.Aes256Gcm()
  if (suite === 'P-256')
    return new hpke.CipherSuite({
      kem: new hpke.DhkemP256HkdfSha256(),
      kdf: new hpke.HkdfSha256(),
      aead,
    })
  const { MlKem1024 } = await import('@hpke/ml-kem')
  return new hpke.CipherSuite({ kem: new MlKem1024(), kdf: new hpke.HkdfSha384(), aead })
}
