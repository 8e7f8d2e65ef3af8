import { KmsBuildError, placeText } from '../errors.js'
import type { Mark } from '../collect/collected.js'
import { kmsOpeningCalls } from '../seal/kms-opening.js'
import { opener, type Opener } from '../seal/open.js'
import { decodeToken, looksLikeToken, type Token } from '../seal/token.js'
import { existingSecretsFile, type SecretsOptions } from './options.js'
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
 * Puts the plaintexts back in place of sealed literals, with kms:Decrypt. Nothing is written unless
 * all of them open.
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
  const opened = await withLiterals(sources, (mark) => textOf(open, mark))
  for (const { source, text } of opened) await overwriteSource(source, text)
  return { changed: placesIn(sources) }
}

/** The modules whose literals are tokens, with those only. @throws KmsBuildError TOKEN_INVALID, TOKEN_NAMED. */
export async function sealedSources(paths: string[]): Promise<MarkedSource[]> {
  const sources = onlyLiterals(await markedSources(paths), ({ argument }) =>
    looksLikeToken(argument),
  )
  for (const { argument, place } of sources.flatMap(({ literals }) => literals)) {
    const token = decodeToken(argument)
    if ('invalid' in token)
      throw new KmsBuildError(
        'TOKEN_INVALID',
        `the literal begins kms:v but is no valid token: ${token.invalid}.`,
        place,
      )
    if (token.kind === 'named')
      throw new KmsBuildError(
        'TOKEN_NAMED',
        "this token is an entry of a secrets file and bound to its name. Use secret.named('NAME').",
        place,
      )
  }
  return sources
}

async function textOf(open: Opener['open'], { argument, place }: Mark): Promise<string> {
  const bytes = await open(argument, placeText(place))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new KmsBuildError(
      'OPEN_FAILED',
      'the literal holds bytes that are no text, which no literal can show.',
      place,
    )
  } finally {
    bytes.fill(0)
  }
}

/** The fingerprint of a literal that is known to be a token. */
export const fingerprintOfLiteral = ({ argument }: Mark) =>
  (decodeToken(argument) as Token).fingerprint
