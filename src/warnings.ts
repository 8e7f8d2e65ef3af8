import type { Mark } from './collect/collected.js'
import { placeText } from './errors.js'
import type { OptionsResolved } from './options.js'
import { unsearched } from './prove/examine.js'
import type { Seen } from './prove/parts.js'

/** Above so many the requests of a cold start begin to wait for each other. */
const MANY_DIRECT = 10

/** What a build's modules hold that the user should know of. */
export interface Noted {
  seen: Seen[]
  plaintextLiterals: Mark[]
  /** How many secrets have a ciphertext, and so a kms:Decrypt, of their own. */
  direct: number
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
