import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ResolvedConfig } from 'vite'
import { KmsBuildError } from '../errors.js'
import { readDotenv } from '../util/dotenv.js'

type Environment = Record<string, string | undefined>

/**
 * The environment of a Vite project: process.env, then Vite's `.env` files, without expansion. Vite
 * expands `$NAME` in them, which would change a password. A warning names values that differ.
 */
export class ViteEnvironment {
  readonly #entries = new Map<string, string | KmsBuildError>()
  #unreadable: KmsBuildError | undefined
  #expanded: () => Environment = () => ({})
  #warn: (text: string) => void = () => {}
  readonly #warned = new Set<string>()

  /** The variables. Reading one may throw KmsBuildError DOTENV_AMBIGUOUS and FILE_UNREADABLE. */
  readonly variables: Environment = new Proxy<Environment>(
    {},
    { get: (_, name: string) => process.env[name] ?? this.#inFiles(name) },
  )

  /** Reads the files of a resolved configuration. */
  async load({
    mode,
    envDir,
    logger,
  }: Pick<ResolvedConfig, 'mode' | 'envDir' | 'logger'>): Promise<void> {
    this.#entries.clear()
    this.#unreadable = undefined
    const { loadEnv } = await import('vite')
    let expanded: Environment | undefined
    // `envPrefix`, for variables of browsers, does not apply to secrets.
    this.#expanded = () => (expanded ??= loadEnv(mode, envDir, ''))
    this.#warn = (text) => logger.warn(text)
    for (const path of filesOf(mode, envDir)) await this.#add(path)
  }

  async #add(path: string): Promise<void> {
    try {
      const { values, empty, ambiguous } = await readDotenv(path)
      for (const [name, entry] of [...values, ...ambiguous]) this.#entries.set(name, entry)
      for (const name of empty) this.#entries.set(name, '')
    } catch (error) {
      if (!(error instanceof KmsBuildError)) throw error
      this.#unreadable = error
    }
  }

  #inFiles(name: string): string | undefined {
    if (this.#unreadable) throw this.#unreadable
    const entry = this.#entries.get(name)
    if (entry instanceof KmsBuildError) throw entry
    if (entry !== undefined && this.#expanded()[name] !== entry && !this.#warned.has(name)) {
      this.#warned.add(name)
      this.#warn(
        `[unplugin-kms] ${name} is sealed as it is written in the .env file. Vite itself reads another value, because it expands "$" and escapes.`,
      )
    }
    return entry
  }
}

/** Returns the variables of a build in Vite's default mode: a browser's build may have another one. */
export async function productionVariables(config: ResolvedConfig): Promise<Environment> {
  const production = new ViteEnvironment()
  const { mode, envDir, logger } = config
  if (mode !== 'production') await production.load({ mode: 'production', envDir, logger })
  return production.variables
}

/** Returns the `.env` files, the file with the highest precedence first. */
const filesOf = (mode: string, envDir: string | false): string[] =>
  envDir === false
    ? []
    : ['.env', '.env.local', `.env.${mode}`, `.env.${mode}.local`]
        .map((name) => join(envDir, name))
        .filter((path) => existsSync(path))
