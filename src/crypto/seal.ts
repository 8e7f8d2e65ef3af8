import { createHmac } from 'node:crypto'
import { cipherSuite } from './cipher-suite.js'
import type { DataKeyPair } from './data-key-pair.js'
import { publicKeyBytes, suiteOf } from './suites.js'
import { aad, encodeToken, INFO, type Kind, type Token } from './token.js'

/**
 * Seals a plaintext to a data key pair: HPKE base mode, one message per encapsulation. Needs no AWS.
 *
 * @param name the entry's name, bound to a token of kind named.
 * @param seed at least 32 secret bytes. Equal plaintexts then get equal tokens, and anybody who has
 *   the seed can test guesses. Without a seed every token is fresh.
 */
export async function seal(
  pair: DataKeyPair,
  kind: Kind,
  plaintext: Uint8Array,
  name = '',
  seed?: Uint8Array,
): Promise<Token> {
  const { suite, recipientPublicKey } = await recipientOf(pair)
  const bound = aad(kind, name)
  const randomness = seed && bytesOf(ikm(seed, pair.publicKey, bound, plaintext))
  const ekm =
    randomness && suiteOf(pair) === 'P-256'
      ? await suite.kem.deriveKeyPair(randomness)
      : // The 32 bytes that ML-KEM encapsulates.
        randomness
  const { enc, ct } = await suite.seal(
    { recipientPublicKey, info: INFO, ...(ekm && { ekm }) },
    plaintext,
    bound,
  )
  return {
    kind,
    fingerprint: pair.fingerprint,
    encapsulatedKey: new Uint8Array(enc),
    ciphertext: new Uint8Array(ct),
  }
}

/** Returns the string of a new token; see `seal`. */
export const sealToText = async (...parameters: Parameters<typeof seal>): Promise<string> =>
  encodeToken(await seal(...parameters))

async function recipientOf({ publicKey }: DataKeyPair) {
  const suite = await cipherSuite(suiteOf({ publicKey }))
  const key = Uint8Array.from(publicKeyBytes(publicKey))
  return { suite, recipientPublicKey: await suite.kem.deserializePublicKey(key) }
}

/** Seals a value of a build, bound to its name. */
export type SealMessage = (
  kind: Exclude<Kind, 'named'>,
  plaintext: Uint8Array,
  name: string,
) => Promise<Token>

/**
 * Encapsulates once. Returns a function that seals any number of messages with that encapsulation, each
 * with the next sequence number (RFC 9180, section 5.2). ShimCall them takes one decapsulation.
 */
export async function encapsulate(pair: DataKeyPair): Promise<SealMessage> {
  const { suite, recipientPublicKey } = await recipientOf(pair)
  const sender = await suite.createSenderContext({ recipientPublicKey, info: INFO })
  const encapsulatedKey = new Uint8Array(sender.enc)
  let last: Promise<unknown> = Promise.resolve()
  let next = 0
  const sealNext: SealMessage = async (kind, plaintext, name) => {
    const sequence = next
    if (sequence > 0xffffffff) throw new RangeError('no sequence number is left')
    const ciphertext = await sender.seal(plaintext, aad(kind, name, sequence))
    // The context counts its messages, not the calls that failed.
    next++
    const { fingerprint } = pair
    return { kind, fingerprint, encapsulatedKey, sequence, ciphertext: new Uint8Array(ciphertext) }
  }
  return (...message) => {
    const sealed = last.catch(() => {}).then(() => sealNext(...message))
    last = sealed
    return sealed
  }
}

/**
 * Returns the randomness of an encapsulation: a MAC over everything in the message, so that no two
 * different messages share a key and nonce. Each part is preceded by its length.
 */
function ikm(
  seed: Uint8Array,
  publicKey: Uint8Array,
  bound: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const mac = createHmac('sha256', seed).update('unplugin-kms/v1 ikm')
  for (const part of [publicKey, INFO, bound, plaintext]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    mac.update(length).update(part)
  }
  return mac.digest()
}

// Copied out of Node's buffer pool: the library reads the complete ArrayBuffer.
const bytesOf = (buffer: Buffer) => new Uint8Array(buffer).buffer
