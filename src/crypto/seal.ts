import { createHmac } from 'node:crypto'
import type { DataKeyPair } from './data-key-pair.js'
import * as dhkem from './dhkem.js'
import { keySchedule, SenderContext } from './hpke.js'
import * as mlKem from './ml-kem.js'
import { publicKeyBytes, SUITES, suiteOf } from './suites.js'
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
  const bound = aad(kind, name)
  const randomness = seed && ikm(seed, pair.publicKey, bound, plaintext)
  const { encapsulatedKey, sender } = await createSender(pair, randomness)
  const { fingerprint } = pair
  return { kind, fingerprint, encapsulatedKey, ciphertext: sender.seal(plaintext, bound) }
}

/** Returns the string of a new token; see `seal`. */
export const sealToText = async (...parameters: Parameters<typeof seal>): Promise<string> =>
  encodeToken(await seal(...parameters))

/**
 * Encapsulates a shared secret to a pair: SetupBaseS (RFC 9180, section 5.1.1).
 *
 * @param randomness makes the encapsulation deterministic. It must never be the same for two messages.
 */
async function createSender({ publicKey }: DataKeyPair, randomness?: Uint8Array) {
  const key = publicKeyBytes(publicKey)
  const suite = suiteOf({ publicKey })
  const { encapsulatedKey, sharedSecret } =
    suite === 'P-256'
      ? dhkem.encapsulate(key, randomness && dhkem.deriveKeyPair(randomness))
      : await mlKem.encapsulate(key, randomness)
  const schedule = keySchedule(SUITES[suite].hpke, sharedSecret, INFO)
  return { encapsulatedKey, sender: new SenderContext(schedule) }
}

/** Seals a value of a build, bound to its name. */
export type SealMessage = (
  kind: Exclude<Kind, 'named'>,
  plaintext: Uint8Array,
  name: string,
) => Token

/**
 * Encapsulates once. Returns a function that seals any number of messages with that encapsulation, each
 * with the next sequence number (RFC 9180, section 5.2). Opening them takes one decapsulation.
 */
export async function encapsulate(pair: DataKeyPair): Promise<SealMessage> {
  const { encapsulatedKey, sender } = await createSender(pair)
  const { fingerprint } = pair
  return (kind, plaintext, name) => {
    const { sequence } = sender
    const ciphertext = sender.seal(plaintext, aad(kind, name, sequence))
    return { kind, fingerprint, encapsulatedKey, sequence, ciphertext }
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
