import type { Fleet } from './types.js'

/**
 * Returns which deployed functions need a data key pair.
 *
 * @returns descriptions by fingerprint. The empty string stands for every pair: a function that was not
 *   read completely may need any of them.
 */
export function usesOf({ functions, notes }: Fleet): Map<string, string[]> {
  const uses = new Map<string, string[]>()
  const add = (fingerprint: string, use: string) =>
    uses.set(fingerprint, [...(uses.get(fingerprint) ?? []), use])
  for (const note of notes) add('', note)
  for (const { id, secrets, notRead } of functions) {
    for (const reason of notRead) add('', `function ${id}, which was not read: ${reason}`)
    for (const fingerprint of new Set(secrets.map((secret) => secret.fingerprint)))
      if (fingerprint !== null) add(fingerprint, `function ${id}`)
  }
  return uses
}
