import { dirname } from 'node:path'
import { sealToText } from '../crypto/seal.js'
import { looksLikeToken } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import type { CommentedLiteral, Mark } from '../pipeline/collect/mark.js'
import { existingSecretsFile } from '../secrets-file/locate.js'
import { currentPair } from '../secrets-file/scopes.js'
import { secretsFilesOfProject } from '../secrets-file/stages.js'
import { checkTrust } from '../secrets-file/trust.js'
import type { SetOptions } from './set.js'
import {
  markedSources,
  onlyLiterals,
  placesIn,
  replaceSource,
  withLiterals,
  type ChangedSource,
  type MarkedSource,
} from './sources.js'

/**
 * Finds plaintext literals in the sources. Needs neither a secrets file nor AWS.
 *
 * @throws KmsBuildError as `markedSources`.
 */
export async function findPlaintextLiterals(paths: string[]): Promise<ChangedSource[]> {
  const sources = (await markedSources(paths)).map(({ path, literals, commented }) => {
    const plaintexts = literals.filter(isPlaintext)
    plaintexts.forEach(checkLiteral)
    const places = [...plaintexts, ...commented].map(({ place }) => place)
    return { path, places: places.sort((a, b) => a.line - b.line || a.column - b.column) }
  })
  return sources.filter(({ places }) => places.length)
}

/**
 * Replaces plaintext literals by tokens, and changes no other byte. Needs no AWS. If a run was
 * interrupted, run it again to finish.
 *
 * @throws KmsBuildError STAGES_SEVERAL, PIN_MISMATCH, PLAINTEXT_EMPTY, PLAINTEXT_LONE_SURROGATE,
 *   FILE_CHANGED, FILE_UNWRITABLE, and what `markedSources` throws.
 */
export async function encryptSources(
  paths: string[],
  options: SetOptions = {},
): Promise<{ changed: ChangedSource[]; warnings: string[] }> {
  const file = await existingSecretsFile(options)
  const stages = await secretsFilesOfProject(dirname(file.path))
  if (stages.length > 1) {
    throw new KmsBuildError(
      'STAGES_SEVERAL',
      `this project has ${stages.length} secrets files (${stages.join(', ')}), and a sealed literal can be decrypted with only one of them. Use npx unplugin-kms set NAME --file F for each stage, and secret.named('NAME') in the source.`,
    )
  }
  const warnings = await checkTrust(file, options.trust)
  const pair = currentPair(file, options.scope)

  const sources = await plaintextSources(paths)
  const sealed = await withLiterals(sources, ({ argument }) =>
    sealToText(pair, 'literal', Buffer.from(argument)),
  )
  for (const { source, text } of sealed) await replaceSource(source, text)
  return { changed: placesIn(sources), warnings }
}

const isPlaintext = ({ argument }: Mark) => !looksLikeToken(argument)

async function plaintextSources(paths: string[]): Promise<MarkedSource[]> {
  const marked = await markedSources(paths)
  const withCommented = marked.map((source) => ({
    ...source,
    literals: [...source.literals, ...source.commented.map(uncommented)],
  }))
  const sources = onlyLiterals(withCommented, isPlaintext)
  for (const { literals } of sources) literals.forEach(checkLiteral)
  return sources
}

/** @throws KmsBuildError PLAINTEXT_EMPTY, PLAINTEXT_LONE_SURROGATE. */
function checkLiteral({ argument, place }: Mark): void {
  if (argument === '')
    throw new KmsBuildError(
      'PLAINTEXT_EMPTY',
      'the literal is empty. Give it a value, or remove the mark.',
      place,
    )
  if (!argument.isWellFormed())
    throw new KmsBuildError(
      'PLAINTEXT_LONE_SURROGATE',
      'the literal has a lone surrogate, which UTF-8 cannot represent.',
      place,
    )
}

/** Returns the mark that a comment contains. */
function uncommented({ argument, place, spans }: CommentedLiteral): Mark {
  const [span] = spans
  if (argument !== undefined && span)
    return {
      source: 'literal',
      sync: false,
      pure: false,
      argument,
      values: [argument],
      encryptionContext: {},
      options: {},
      format: 'text',
      place,
      ...span,
      argumentStart: span.start,
      argumentEnd: span.end,
    }
  throw new KmsBuildError(
    'ARGUMENT_NOT_STATIC',
    'this mark is commented out, and its argument is not a single string. Remove it, or write one string.',
    place,
  )
}
