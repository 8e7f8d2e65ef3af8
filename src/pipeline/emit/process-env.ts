import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { ProcessEnvOptions } from '../../options/types.js'
import type { PairOptions } from '../transform-marks.js'
import { javaScript, type Opening } from './emit.js'
import { pairArguments, PAIR, SHIM } from './shim.js'

/** An environment variable, and the call that opens its value. */
export interface OpenedVariable {
  name: string
  opening: Opening
}

/** Code that an entry of a bundle begins with. It ends with a line break. */
export interface EntryCode {
  /** Sets the variables in an ES module, by top-level await. */
  esm: string
  /** Returns a CommonJS module that is evaluated once the variables are set. */
  cjs(code: string): string
}

/**
 * Returns the code that sets environment variables before a module is evaluated.
 *
 * @param pairOf returns a data key pair by its fingerprint.
 * @param start when the shim starts, in the option `runtime`.
 */
export async function entryCode(
  variables: OpenedVariable[],
  pairOf: (fingerprint: string) => Promise<PairOptions | undefined>,
  { existing, cjs }: Required<ProcessEnvOptions>,
  start: 'load' | 'first-use' = 'load',
): Promise<EntryCode> {
  const pairs = await pairsOf(variables, pairOf)
  const options = existing === 'keep' ? `,{existing:'keep'}` : ''
  const map = (sync: boolean) =>
    `{${variables.map((one) => member(one, sync)).join(',')}}${options}`
  const runtime = await runtimeCode('entry')
  const setUp =
    `const {deferModule,processEnv,direct,envelope}=${runtime};` +
    pairs.map(([name, args]) => `const ${name}=envelope(${args});`).join('')
  if (cjs === 'facade') {
    return {
      esm: `{${setUp}await processEnv(${map(false)})()}\n`,
      cjs: (code) =>
        `((module,isMain,evaluate)=>{${setUp}deferModule(module,processEnv(${map(false)}),evaluate,{isMain,start:'${start}'})})` +
        `(module,require.main===module,function(exports){\n${code}\n});\n`,
    }
  }
  const blocking = await runtimeCode('entry-sync')
  const setUpSync =
    `const {processEnvSync,directSync,envelopeSync}=${blocking};` +
    pairs.map(([name, args]) => `const ${name}=envelopeSync(${args});`).join('')
  return {
    esm: `{${setUp}await processEnv(${map(false)})()}\n`,
    cjs: (code) =>
      `{${setUpSync}processEnvSync(${map(true)})}(function(exports){\n${code}\n}).call(exports,exports);\n`,
  }
}

/** `["NAME"]:call`, computed, since `__proto__` would set the prototype. */
function member({ name, opening: { from, args } }: OpenedVariable, sync: boolean): string {
  const list = args.map(javaScript).join(',')
  const called = from === SHIM ? (sync ? 'directSync' : 'direct') : pairName(from)
  return `[${javaScript(name)}]:${sync ? '()=>' : ''}${called}(${list})`
}

const pairName = (from: string) => `pair_${from.slice(PAIR.length)}`

/** Returns the names and arguments of the pairs that the variables need. */
async function pairsOf(
  variables: OpenedVariable[],
  pairOf: (fingerprint: string) => Promise<PairOptions | undefined>,
): Promise<(readonly [string, string])[]> {
  const modules = variables.map(({ opening }) => opening.from).filter((from) => from !== SHIM)
  return Promise.all(
    [...new Set(modules)].map(async (from) => {
      const known = await pairOf(from.slice(PAIR.length))
      return [pairName(from), pairArguments(known!.pair, known!.options)] as const
    }),
  )
}

const runtimeCode = (name: 'entry' | 'entry-sync') =>
  readFile(createRequire(import.meta.url).resolve(`@unplugin-kms/runtime/${name}`), 'utf8')
