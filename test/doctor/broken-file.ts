import { fingerprintOf, publicKeyDigest } from '../../src/crypto/data-key-pair.js'
import { decodeToken, encodeToken, type Token } from '../../src/crypto/token.js'
import { localPair } from '../support/project.js'

export const NO_KEY = '00000000-0000-4000-8000-000000000000'

export const replaceAll = (file: unknown, pattern: RegExp, by: string): unknown =>
  JSON.parse(JSON.stringify(file).replaceAll(new RegExp(pattern, 'g'), by))

/** Each field of the current pair as the file has it. */
export const pairOf = (file: any) => file.dataKeyPairs[file.current]

export function changeContext(file: any, to: Record<string, string>) {
  file.encryptionContext = to
  return file
}

export function alterBlob(file: any) {
  const [blob] = pairOf(file).privateKeyCiphertextBlobs
  const bytes = Buffer.from(blob.ciphertextBlob, 'base64')
  bytes[bytes.length - 1]! ^= 1
  blob.ciphertextBlob = bytes.toString('base64')
  return file
}

/** Puts in another public key and all that follows from it, as an attacker would. */
export function exchangePair(file: any) {
  const { publicKey } = localPair()
  const fingerprint = fingerprintOf(publicKey)
  const pair = { ...pairOf(file), publicKey: publicKey.toString('base64') }
  return { ...file, current: fingerprint, dataKeyPairs: { [fingerprint]: pair }, secrets: {} }
}

/** As above, with pins that vouch for it. */
export async function pinsAfter(edit: (change: (file: any) => unknown) => Promise<void>) {
  let pins: string[] = []
  await edit((file) => {
    const changed = exchangePair(file)
    pins = [publicKeyDigest(Buffer.from(pairOf(changed).publicKey, 'base64'))]
    return changed
  })
  return pins
}

/** The token with the last bit of its tag the other way. */
export function altered(token: string): string {
  const decoded = decodeToken(token) as Token
  const ciphertext = Buffer.from(decoded.ciphertext)
  ciphertext[ciphertext.length - 1]! ^= 1
  return encodeToken({ ...decoded, ciphertext })
}

/** The token as one that is sealed to a pair which nobody knows. */
export const ofAnotherPair = (token: string) =>
  encodeToken({ ...(decodeToken(token) as Token), fingerprint: '00'.repeat(8) })
