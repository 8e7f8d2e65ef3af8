import { Buffer } from 'node:buffer'
import { posix } from 'node:path'
import { KmsBuildError } from '../errors.js'
import type { BuildSession } from '../pipeline/session.js'
import type { Target } from '../pipeline/target.js'

/** An output, whose content may be replaced. */
interface Output {
  name: string
  content: Uint8Array
  /** What Bun calls it; absent if it is not of Bun. */
  kind?: string | undefined
}

/**
 * Makes the entries among the outputs set the variables of the option `processEnv`.
 *
 * @param outdir the folder in which the outputs are written.
 * @throws KmsBuildError as `EntryEnvironment.addTo`.
 */
export async function addEnvironment(
  { environment }: BuildSession,
  outputs: Output[],
  outdir: string | undefined,
  target: Target,
): Promise<void> {
  if (!environment.isUsed) return
  const nameOf = ({ name }: Output) => posix.normalize(name.replaceAll('\\', '/'))
  const byName = new Map(outputs.map((output) => [nameOf(output), output]))
  const textOf = ({ content }: Output) => Buffer.from(content).toString()
  const entries = outputs.filter(({ kind }) => kind === 'entry-point')
  const changed = await environment.addTo({
    outputs: new Map([...byName].map(([name, output]) => [name, () => textOf(output)])),
    entries: entries.map(nameOf).filter((name) => /\.[cm]?js$/.test(name)),
    target: { format: 'esm', ...target },
  })
  if (outdir === undefined) {
    throw unsuitable(
      'Bun returns the outputs to the caller as they are without an outdir, and option processEnv changes them. Set outdir.',
    )
  }
  if (entries.some((output) => textOf(output).startsWith('// @bun @bun-cjs'))) {
    throw unsuitable(
      "option processEnv cannot change CommonJS that Bun writes for itself. Set target: 'node', or format: 'esm'.",
    )
  }
  for (const [name, text] of changed) {
    const output = byName.get(name)
    if (output) output.content = Buffer.from(text)
    else outputs.push({ name, content: Buffer.from(text) })
  }
}

const unsuitable = (message: string) => new KmsBuildError('ENTRY_UNSUITABLE', message)
