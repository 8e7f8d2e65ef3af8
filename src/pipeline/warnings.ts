import { KmsBuildError, placeText } from '../errors.js'
import type { OptionsResolved } from '../options/types.js'
import { type Mark, nameOf } from './collect/mark.js'
import { unsearched } from './leak-check/examine.js'
import type { Seen } from './leak-check/parts.js'
import type { Value } from './resolve/types.js'

/** Above so many the requests of a cold start begin to wait for each other. */
const MANY_DIRECT = 10

/** What is known of a module with marks, until it is transformed again. */
export interface Noted {
  marks: Mark[]
  seen: Seen[]
  plaintextLiterals: Mark[]
  /** How many secrets have a ciphertext, and so a kms:Decrypt, of their own. */
  direct: number
}

/** @throws KmsBuildError PLAINTEXT_LITERAL where the option makes an error of that warning. */
export function note(
  marks: Mark[],
  values: Value[],
  { plaintextLiterals: asked, mode }: Pick<OptionsResolved, 'plaintextLiterals' | 'mode'>,
): Noted {
  const plaintextLiterals = marks.filter(
    ({ source }, index) => source === 'literal' && 'plaintext' in values[index]!,
  )
  const [literal] = plaintextLiterals
  if (literal && asked === 'error') {
    throw new KmsBuildError(
      'PLAINTEXT_LITERAL',
      'a plaintext stands in the source, and in its git history. Seal it with npx unplugin-kms encrypt, or move it to the secrets file.',
      literal.place,
    )
  }
  const seen = marks.flatMap((mark, index) => {
    const value = values[index]!
    return 'plaintext' in value
      ? [{ name: nameOf(mark), plaintext: value.plaintext, json: mark.format === 'json' }]
      : []
  })
  const direct = values.filter(
    (value) => 'wrapped' in value || ('plaintext' in value && mode === 'direct'),
  ).length
  return { marks, seen, plaintextLiterals, direct }
}

/** What the user should know about a build that succeeded, one sentence each. */
export function warnings(
  modules: Noted[],
  {
    plaintextLiterals,
    proof,
    devValues,
  }: Pick<OptionsResolved, 'plaintextLiterals' | 'proof' | 'devValues'>,
): string[] {
  const literals = modules.flatMap((module) => module.plaintextLiterals)
  const direct = modules.reduce((sum, module) => sum + module.direct, 0)
  const { short, excepted } = unsearched(
    modules.flatMap(({ seen }) => seen),
    proof,
  )
  return [
    literals.length && plaintextLiterals === 'warn'
      ? `${literals.length} plaintext ${literals.length > 1 ? 'literals stand' : 'literal stands'} in the source (${places(literals)}), and so in git. Seal with npx unplugin-kms encrypt, or set plaintextLiterals: 'allow'. [PLAINTEXT_LITERAL]`
      : null,
    direct > MANY_DIRECT
      ? `${direct} secrets have a ciphertext of their own, and so a kms:Decrypt each at run time. Mode envelope opens all plaintexts with one; an SSM parameter with { decrypt: true } goes with them. [DIRECT_MANY]`
      : null,
    short.length
      ? `too short to be searched for in the output (proof.minLength ${proof.minLength}): ${names(short)}. [PROOF_SKIPPED]`
      : null,
    excepted.length
      ? `not searched for in the output, since proof.except names ${excepted.length > 1 ? 'them' : 'it'}: ${names(excepted)}. [PROOF_SKIPPED]`
      : null,
    devValues
      ? 'the option dev.values is ignored in a build: the secrets come from their own sources. [DEV_VALUES_IGNORED]'
      : null,
  ].filter((warning) => warning !== null)
}

const places = (marks: Mark[]) =>
  marks
    .slice(0, 5)
    .map(({ place }) => placeText(place))
    .join(', ')

const names = (seen: Seen[]) => [...new Set(seen.map(({ name }) => name))].join(', ')
