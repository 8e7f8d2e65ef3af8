import { KmsBuildError } from '../errors.js'
import type { OptionsResolved } from '../options/types.js'
import { nameOf, type CommentedLiteral, type Mark } from './collect/mark.js'
import type { ClientMark } from './leak-check/client-bundle.js'
import type { Seen } from './leak-check/parts.js'
import { NO_SECRETS, type ProjectSecrets } from './project-sources.js'
import type { Value } from './resolve/types.js'

/** A module with sealed marks, until it is transformed again. */
export interface ModuleRecord {
  marks: Mark[]
  seen: Seen[]
  plaintextLiterals: Mark[]
  /** Number of secrets with a CiphertextBlob, and so a kms:Decrypt, of their own. */
  direct: number
}

/**
 * Describes a module whose marks are resolved.
 *
 * @throws KmsBuildError PLAINTEXT_LITERAL if the option `plaintextLiterals` is `error`.
 */
export function recordOf(
  marks: Mark[],
  values: Value[],
  { plaintextLiterals: action, mode }: Pick<OptionsResolved, 'plaintextLiterals' | 'mode'>,
): ModuleRecord {
  const plaintextLiterals = marks.filter(
    ({ source }, index) => source === 'literal' && 'plaintext' in values[index]!,
  )
  if (action === 'error') refuseLiterals(plaintextLiterals)
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

/** @throws KmsBuildError PLAINTEXT_LITERAL if there is any. */
export function refuseLiterals([literal]: Pick<Mark, 'place'>[]): void {
  if (!literal) return
  throw new KmsBuildError(
    'PLAINTEXT_LITERAL',
    'a plaintext is in the source, and in its git history. Seal it with npx unplugin-kms encrypt, or move it to the secrets file.',
    literal.place,
  )
}

/** What a session knows of the modules that have marks. */
export class ModuleRegistry {
  // Not emptied by a rebuild: the output may still contain the values of a module that left the build.
  readonly #sealed = new Map<string, ModuleRecord>()
  // Separate, since one plugin may be in the build of a browser and in that of the server.
  readonly #client = new Map<string, ClientMark[]>()

  /** Literals that are commented out, by path. */
  readonly #commented = new Map<string, CommentedLiteral[]>()
  #project = NO_SECRETS

  /** Sets the secrets of the project, which a browser's build of a command of its own does not seal. */
  setProject(secrets: ProjectSecrets): void {
    this.#project = secrets
  }

  add(id: string, record: ModuleRecord): void {
    this.#sealed.set(id, record)
  }

  addClient(id: string, marks: ClientMark[]): void {
    this.#client.set(id, marks)
  }

  /**
   * Replaces what is known of the literals of a module that are commented out.
   *
   * @throws KmsBuildError PLAINTEXT_LITERAL if the option `plaintextLiterals` is `error`.
   */
  setCommented(
    path: string,
    literals: CommentedLiteral[] = [],
    options?: Pick<OptionsResolved, 'plaintextLiterals'>,
  ): void {
    if (literals.length) this.#commented.set(path, literals)
    else this.#commented.delete(path)
    if (options?.plaintextLiterals === 'error') refuseLiterals(literals)
  }

  get commented(): CommentedLiteral[] {
    return [...this.#commented.values()].flat()
  }

  /** Removes a module that changed, or that lost its marks. */
  forget(id: string): void {
    this.#sealed.delete(id)
    this.#client.delete(id)
  }

  get records(): ModuleRecord[] {
    return [...this.#sealed.values()]
  }

  get marks(): Mark[] {
    return this.records.flatMap(({ marks }) => marks)
  }

  /** Every plaintext of the session, to search the outputs for. */
  get plaintexts(): Seen[] {
    return [...this.records.flatMap(({ seen }) => seen), ...this.#project.plaintexts]
  }

  /** Names of the project's secrets that this build could not read. */
  get unread(): string[] {
    return this.#project.unread
  }

  get clientMarks(): (ClientMark & { id: string })[] {
    return [...this.#client].flatMap(([id, marks]) => marks.map((mark) => ({ id, ...mark })))
  }

  /** Whether any module had a mark. A build without marks is left as it is. */
  get hasMarks(): boolean {
    return this.#sealed.size + this.#client.size + this.#commented.size > 0
  }

  /** Whether any mark was sealed, and not only rejected in a browser bundle. */
  get hasSealed(): boolean {
    return this.#sealed.size > 0
  }
}
