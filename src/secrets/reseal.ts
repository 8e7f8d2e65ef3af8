import { sealToText } from '../crypto/seal.js'
import type { Kind } from '../crypto/token.js'
import { placeText } from '../errors.js'
import type { Mark } from '../pipeline/collect/mark.js'
import { tokenIn } from '../pipeline/resolve/literal.js'
import type { Opener } from '../secrets-file/open.js'
import type { ScopedPair, SecretsFile } from '../secrets-file/parse.js'
import { currentPair, isStale, pairOf } from '../secrets-file/scopes.js'
import { sealEntry } from './set.js'
import type { MarkedSource, Replacement } from './sources.js'

/** An opened entry, by its name, or an opened literal, by its place. */
export type OpenedSecret = { pair: ScopedPair; plaintext: Uint8Array } & (
  | { name: string }
  | { source: MarkedSource; mark: Mark; kind: Kind }
)

/**
 * Opens every entry and literal of some scopes, after unwrapping all pairs of these scopes.
 *
 * @throws KmsBuildError what `opener` throws.
 */
export async function openSealed(
  { unwrap, open }: Opener,
  file: SecretsFile,
  sources: MarkedSource[],
  scopes: string[],
): Promise<OpenedSecret[]> {
  const pairs = [...file.pairs.values()].filter(({ scope }) => scopes.includes(scope))
  await Promise.all(pairs.map(({ fingerprint }) => unwrap(fingerprint)))
  const entries = [...file.secrets].map(async ([name, token]) => {
    const pair = pairOf(file, token)
    return scopes.includes(pair.scope) ? [{ name, pair, plaintext: await open(token, name) }] : []
  })
  const literals = sources.flatMap((source) =>
    source.literals.map(async (mark) => {
      const token = tokenIn(mark)
      const foreign = file.pairs.get(token.fingerprint)
      if (foreign && !scopes.includes(foreign.scope)) return []
      const plaintext = await open(token, placeText(mark.place))
      return [{ source, mark, kind: token.kind, pair: pairOf(file, token), plaintext }]
    }),
  )
  return (await Promise.all<OpenedSecret[]>([...entries, ...literals])).flat()
}

/**
 * Seals the secrets of earlier pairs to the current pair of their scope, and zeroes all plaintexts.
 * Changes the file in memory only.
 */
export async function resealStale(file: SecretsFile, sealed: OpenedSecret[]) {
  const literals = new Map<MarkedSource, Replacement[]>()
  let entries = 0
  await Promise.all(
    sealed.map(async (secret) => {
      const { pair, plaintext } = secret
      if (isStale(file, pair)) {
        if ('name' in secret) {
          entries++
          await sealEntry(file, secret.name, plaintext, pair.scope)
        } else {
          const { source, mark, kind } = secret
          const value = await sealToText(currentPair(file, pair.scope), kind, plaintext)
          literals.set(source, [...(literals.get(source) ?? []), { mark, value }])
        }
      }
      plaintext.fill(0)
    }),
  )
  return { entries, literals }
}
