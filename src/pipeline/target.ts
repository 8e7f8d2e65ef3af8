/** The kind of output that a module goes into. */
export interface Target {
  /** Where the output runs. */
  platform: 'node' | 'browser'
  /** `serve` for a dev server, which makes no bundle at the end. */
  command: 'build' | 'serve'
  /** Absent where the bundler reports it apart from the modules, through `setFormat`. */
  format?: 'esm' | 'cjs'
  /** The run time that the bundler's options name, such as `node22`, if it cannot open ML-KEM pairs. */
  withoutMlKem?: string | undefined
  /**
   * How marks of unplugin-kms/secret/sync get their values: by top-level await, by a call that blocks
   * the thread, or by either, where the bundler reports the format only when it renders the output.
   * Default: by the format.
   */
  sync?: SyncForm
}

/** A target whose format is known. */
export type OutputTarget = Target & Required<Pick<Target, 'format'>>

export type SyncForm = 'await' | 'block' | 'either'

/** Returns how synchronous marks of a target get their values. */
export const syncFormOf = ({ format, sync }: Target, defaultFormat: 'esm' | 'cjs'): SyncForm =>
  sync ?? ((format ?? defaultFormat) === 'cjs' ? 'block' : 'await')

/** The target of a bundler that reports nothing else. */
export const NODE_BUILD: Target = { platform: 'node', command: 'build' }

/** Registers a file to watch. Called even if the transform fails, so that fixing the file triggers a rebuild. */
export type Watch = (file: string) => void

/** What a bundler provides while it transforms a module. */
export interface ModuleHost {
  target: Target
  watch: Watch
  /** Whether another plugin may have compiled the module, whose places are then not those of its file. */
  isCompiled?: boolean
  /** Returns the specifier that resolves to one of the build's own modules. Default: its name. */
  requestOf?: (name: string) => string
}
