import { Buffer } from 'node:buffer'
import type { BuildSession } from '../pipeline/session.js'
import type { Target } from '../pipeline/target.js'

/** The part of Farm's configuration that names the entries. */
interface Compilation {
  input?: Record<string, string | null | undefined>
  output?: { entryFilename?: string }
}

type Resources = Record<string, Buffer>

/**
 * The entries of Farm's outputs, which set the variables of the option `processEnv`. Farm's hooks see
 * the entries without its run-time code, and take no changed outputs back. So the entries are changed
 * when Farm writes them.
 */
export class EntryFiles {
  #isEntry: (name: string) => boolean = () => false
  #add: Awaited<ReturnType<BuildSession['environment']['prepare']>> = () => new Map()

  /** Reads the names of the entries. */
  configure({ input = {}, output }: Compilation = {}): void {
    const names = Object.keys(input).map(escaped).join('|')
    const pattern = (output?.entryFilename ?? '[entryName].[ext]')
      .split(/(\[[^\]]+\])/)
      .map((part) => (part === '[entryName]' ? `(?:${names})` : placeholder(part)))
    const entry = new RegExp(`^(?:\\./)?${pattern.join('')}$`)
    this.#isEntry = (name) => entry.test(name) && !name.endsWith('.map')
  }

  /** Seals the variables, before the leak check. @throws KmsBuildError as `EntryEnvironment.prepare`. */
  async prepare({ environment }: BuildSession, target: Target): Promise<void> {
    this.#add = await environment.prepare({ format: 'esm', ...target })
  }

  /** Makes a compiler return, and so write, the changed entries. */
  changeIn(compiler: { resources(): Resources }): void {
    const resources = compiler.resources.bind(compiler)
    compiler.resources = () => {
      const all = resources()
      const names = Object.keys(all)
      const outputs = new Map(names.map((name) => [name, () => all[name]!.toString()]))
      const changed = [...this.#add(outputs, names.filter(this.#isEntry))]
      return {
        ...all,
        ...Object.fromEntries(changed.map(([name, text]) => [name, Buffer.from(text)])),
      }
    }
  }
}

const escaped = (text: string) => text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)

const placeholder = (part: string) => (part.startsWith('[') ? '[^/]+' : escaped(part))
