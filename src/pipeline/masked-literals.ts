import { placeholderIndex, plaintextLiterals } from './collect/literals.js'
import type { Mark } from './collect/mark.js'

/** Plaintext literals of modules whose code may have placeholders for them, by path. */
export class MaskedLiterals {
  readonly #literals = new Map<string, string[]>()

  /** Remembers the plaintext literals of a module. @returns whether it has any. */
  remember(path: string, marks: Mark[] | undefined): boolean {
    const literals = plaintextLiterals(marks).map(({ argument }) => argument)
    this.#literals.set(path, literals)
    return literals.length > 0
  }

  /** Returns whether an argument of a mark is a placeholder of the module's. */
  has(argument: string, path: string): boolean {
    return this.#plaintextOf(argument, path) !== undefined
  }

  /** Returns the mark with the plaintext that its placeholder is for. */
  unmask(mark: Mark, path: string): Mark {
    if (mark.source !== 'literal') return mark
    return { ...mark, argument: this.#plaintextOf(mark.argument, path) ?? mark.argument }
  }

  #plaintextOf(argument: string, path: string): string | undefined {
    const index = placeholderIndex(argument)
    return index === undefined ? undefined : this.#literals.get(path)?.[index]
  }
}
