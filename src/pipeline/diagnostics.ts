import { placeText, type BuildErrorCode, type Place } from '../errors.js'
import { printable } from '../printable.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { pinOf, trustStateOf } from '../secrets-file/trust-state.js'
import { publicKeysOnly } from '../secrets-file/pins.js'
import type { Mark } from './collect/mark.js'
import type { LeakCheckOptions } from './leak-check/examine.js'
import type { Seen } from './leak-check/parts.js'

export type WarningCode =
  | Extract<BuildErrorCode, 'PLAINTEXT_LITERAL'>
  | 'DEV_VALUES_IGNORED'
  | 'DIRECT_MANY'
  | 'PIN_PUBLIC_KEYS_ONLY'
  | 'PROOF_SKIPPED'

/** A warning of a build that succeeded: stable data, and its prose. */
export interface Warning {
  code: WarningCode
  /** Names, counts and places; never a value. */
  data: Record<string, unknown>
  /** The first place that it concerns. */
  place?: Place
  /** One sentence, ending with the code in brackets. */
  message: string
}

function warning(
  code: WarningCode,
  message: string,
  data: Record<string, unknown>,
  place?: Place,
): Warning {
  return { code, data, ...(place && { place }), message: printable(`${message} [${code}]`) }
}

export const plaintextLiterals = (marks: Pick<Mark, 'place'>[]) =>
  warning(
    'PLAINTEXT_LITERAL',
    `${marks.length} plaintext ${marks.length > 1 ? 'literals are' : 'literal is'} in the source (${placesText(marks)}), and so in git. Seal with npx unplugin-kms encrypt, or set plaintextLiterals: 'allow'.`,
    { places: marks.map(({ place }) => place) },
    marks[0]?.place,
  )

export const manyDirect = (count: number) =>
  warning(
    'DIRECT_MANY',
    `${count} secrets have their own CiphertextBlob, and each needs a kms:Decrypt at run time. Mode envelope decrypts all plaintexts with one call, and includes SSM parameters with { decrypt: true }.`,
    { count },
  )

export const tooShortToSearch = (
  seen: Seen[],
  { minLength, optionName = 'leakCheck' }: LeakCheckOptions,
) =>
  warning(
    'PROOF_SKIPPED',
    `too short to be searched for in the output (${optionName}.minLength ${minLength}): ${namesOf(seen).join(', ')}.`,
    { names: namesOf(seen), minLength },
  )

export const exceptedFromSearch = (seen: Seen[], { optionName = 'leakCheck' }: LeakCheckOptions) =>
  warning(
    'PROOF_SKIPPED',
    `not searched for in the output, since ${optionName}.except names ${seen.length > 1 ? 'them' : 'it'}: ${namesOf(seen).join(', ')}.`,
    { names: namesOf(seen) },
  )

export const unreadInProject = (names: string[]) =>
  warning(
    'PROOF_SKIPPED',
    `not searched for in this browser bundle, since only the server's build reads ${names.length > 1 ? 'their values' : 'its value'}: ${names.join(', ')}. Build both with one command to search for them.`,
    { names },
  )

export const pinOfPublicKeys = (file: SecretsFile) =>
  warning('PIN_PUBLIC_KEYS_ONLY', publicKeysOnly(file, 'the option pin'), {
    pin: pinOf(trustStateOf(file)),
  })

export const devValuesIgnored = () =>
  warning(
    'DEV_VALUES_IGNORED',
    'the option dev.values is ignored in a build: the secrets come from their own sources.',
    {},
  )

const placesText = (marks: Pick<Mark, 'place'>[]) =>
  marks
    .slice(0, 5)
    .map(({ place }) => placeText(place))
    .join(', ')

const namesOf = (seen: Pick<Seen, 'name'>[]) => [...new Set(seen.map(({ name }) => name))]
