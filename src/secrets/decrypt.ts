import { kmsOpeningCalls } from '../aws/kms-decrypt.js'
import { looksLikeToken } from '../crypto/token.js'
import { KmsBuildError, placeText } from '../errors.js'
import type { Mark } from '../pipeline/collect/mark.js'
import { tokenIn } from '../pipeline/resolve/literal.js'
import { textOf } from '../pipeline/resolve/plaintext.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { opener, type Opener } from '../secrets-file/open.js'
import {
  markedSources,
  onlyLiterals,
  overwriteSource,
  placesIn,
  withLiterals,
  type ChangedSource,
  type MarkedSource,
} from './sources.js'

/**
 * Replaces sealed literals by their plaintexts, with kms:Decrypt. Writes nothing unless all of them can
 * be decrypted.
 *
 * @throws KmsBuildError TOKEN_INVALID, TOKEN_NAMED, FILE_CHANGED, FILE_UNWRITABLE, and what
 *   `opener` and `markedSources` throw.
 */
export async function decryptSources(
  paths: string[],
  options: SecretsOptions = {},
): Promise<{ changed: ChangedSource[] }> {
  const file = await existingSecretsFile(options)
  const { open } = opener(kmsOpeningCalls(options.aws ?? {}), file)
  const sources = await sealedSources(paths)
  const texts = await withLiterals(sources, (mark) => opened(open, mark))
  for (const { source, text } of texts) await overwriteSource(source, text)
  return { changed: placesIn(sources) }
}

/** Returns the modules with sealed literals, and those literals. @throws KmsBuildError TOKEN_INVALID, TOKEN_NAMED. */
export async function sealedSources(paths: string[]): Promise<MarkedSource[]> {
  const sources = onlyLiterals(await markedSources(paths), ({ argument }) =>
    looksLikeToken(argument),
  )
  for (const { literals } of sources) literals.forEach(tokenIn)
  return sources
}

async function opened(open: Opener['open'], mark: Mark): Promise<string> {
  const { place } = mark
  const bytes = await open(tokenIn(mark), placeText(place))
  const text = textOf(bytes)
  bytes.fill(0)
  if (text !== undefined) return text
  throw new KmsBuildError(
    'OPEN_FAILED',
    'the literal contains bytes that are not UTF-8 text, which a string literal cannot represent.',
    place,
  )
}
