/** The kind of output that a module goes into. */
export interface Target {
  /** Where the output runs. */
  platform: 'node' | 'browser'
  /** `serve` for a dev server, which makes no bundle at the end. */
  command: 'build' | 'serve'
  /** Absent where the bundler reports it apart from the modules, through `setFormat`. */
  format?: 'esm' | 'cjs'
}

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
