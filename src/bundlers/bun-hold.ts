import { Buffer } from 'node:buffer'
import { relative, resolve } from 'node:path'
import { KmsBuildError } from '../errors.js'

/** The options of Bun that we use. Its types are only in Bun. */
export interface BunConfig {
  target?: string
  format?: string
  root?: string
  outdir?: string | undefined
  compile?: unknown
  metafile?: boolean | string | { json?: string; markdown?: string } | undefined
}

export interface BunResult {
  success: boolean
  outputs: Artifact[]
  metafile?: unknown
}

interface Artifact {
  path: string
  sourcemap?: Artifact | null
}

/** Options that we set so that Bun writes nothing before the leak check. */
const HELD = { outdir: undefined, metafile: true }
const NAMES = Object.keys(HELD) as (keyof typeof HELD)[]

/** Makes Bun keep the outputs of one build in memory. Other plugins and the user see their own options. */
export class BunHold {
  readonly #config: BunConfig
  #asked: Pick<BunConfig, 'outdir' | 'metafile'> = {}

  constructor(config: BunConfig) {
    this.#config = config
    this.hold()
  }

  /**
   * Sets our options, and remembers those of the user and the other plugins.
   *
   * @throws KmsBuildError OUTPUT_UNSAFE for options with which Bun writes files itself.
   */
  hold(): void {
    refuseWriting(this.#config)
    this.#asked = Object.fromEntries(
      NAMES.flatMap((name) => (name in this.#config ? [[name, this.#config[name]]] : [])),
    )
    Object.assign(this.#config, HELD)
  }

  /** Restores the options that we replaced. */
  show(): void {
    for (const name of NAMES) delete this.#config[name]
    Object.assign(this.#config, this.#asked)
  }

  /** Returns the folder of the outputs, or undefined if they stay in memory. */
  get outdir(): string | undefined {
    const { outdir } = this.#asked
    return outdir === undefined ? undefined : resolve(outdir)
  }

  /** Returns the name of the metafile to write. */
  get metafileName(): string | undefined {
    const { metafile } = this.#asked
    const name = typeof metafile === 'object' ? metafile.json : metafile
    return typeof name === 'string' ? name : undefined
  }

  /** Changes the result to the one that the user's options ask for. */
  adjust(result: BunResult): void {
    const { outdir } = this
    if (!this.#asked.metafile) delete result.metafile
    if (outdir === undefined) return
    const move = (output: Artifact) =>
      Object.defineProperty(output, 'path', { value: resolve(outdir, output.path) })
    for (const output of result.outputs) {
      if (output.sourcemap && !result.outputs.includes(output.sourcemap)) move(output.sourcemap)
      move(output)
    }
  }
}

function refuseWriting({ compile, metafile }: BunConfig): void {
  if (compile) {
    throw new KmsBuildError(
      'OUTPUT_UNSAFE',
      'Bun writes a compiled executable before any plugin can search it. Build to an outdir with the plugin first, then compile the output.',
    )
  }
  if (typeof metafile === 'object' && metafile.markdown) {
    throw new KmsBuildError(
      'OUTPUT_UNSAFE',
      "Bun writes a metafile in Markdown itself, before any plugin can search it. Ask for JSON: metafile: 'meta.json'.",
    )
  }
}

/** Returns a source map whose sources are relative to the folder of the outputs, as Bun writes them there. */
export function mapFor(outdir: string, content: Uint8Array): Uint8Array {
  const map = JSON.parse(Buffer.from(content).toString()) as { sources: string[] }
  const sources = map.sources.map((source) =>
    source.includes(':') ? source : relative(outdir, resolve(source)),
  )
  return Buffer.from(JSON.stringify({ ...map, sources }, null, 2))
}
