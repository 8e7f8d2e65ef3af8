import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { suiteOf, type Suite } from '../../crypto/suites.js'
import type { ProcessEnvOptions } from '../../options/types.js'
import type { PairOptions } from '../transform-marks.js'
import { javaScript, type ShimCall } from './emit.js'
import { PAIR, SHIM } from './shim-call.js'
import { pairArguments } from './shim.js'

/** An environment variable, and the call that opens its value. */
export interface OpenedVariable {
  name: string
  call: ShimCall
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
  const hasMlKem = pairs.some(({ suite }) => suite === 'ML-KEM-1024')
  const options = existing === 'keep' ? `,{existing:'keep'}` : ''
  const map = (sync: boolean) =>
    `{${variables.map((one) => member(one, sync)).join(',')}}${options}`
  const runtime = await runtimeCode(hasMlKem ? 'entry-ml-kem' : 'entry')
  const mlKem = hasMlKem ? ',mlKemEnvelope' : ''
  const setUp =
    `const {deferModule,processEnv,direct,envelope,openToken${mlKem}}=${runtime};` +
    pairs.map((pair) => openerOf(pair, 'envelope', 'mlKemEnvelope')).join('')
  if (cjs === 'facade') {
    return {
      esm: `{${setUp}await processEnv(${map(false)})()}\n`,
      cjs: (code) =>
        // Node reads the names of exports in the code. `await import()` waits for a module that exports `then`.
        `0&&(exports.then=0);((module,isMain,evaluate)=>{${setUp}deferModule(module,processEnv(${map(false)}),evaluate,{isMain,start:'${start}'})})` +
        `(module,require.main===module,function(exports){\n${code}\n});\n`,
    }
  }
  const blocking = await runtimeCode(hasMlKem ? 'entry-ml-kem-sync' : 'entry-sync')
  const mlKemSync = hasMlKem ? ',mlKemEnvelopeSync' : ''
  const setUpSync =
    `const {processEnvSync,directSync,envelopeSync,openToken${mlKemSync}}=${blocking};` +
    pairs.map((pair) => openerOf(pair, 'envelopeSync', 'mlKemEnvelopeSync')).join('')
  return {
    esm: `{${setUp}await processEnv(${map(false)})()}\n`,
    cjs: (code) =>
      `{${setUpSync}processEnvSync(${map(true)})}(function(exports){\n${code}\n}).call(exports,exports);\n`,
  }
}

/** `["NAME"]:call`, computed, since `__proto__` would set the prototype. */
function member({ name, call }: OpenedVariable, sync: boolean): string {
  const { from, args, export: exported } = call
  const list = args.map(javaScript)
  // Their fourth argument; the third one, the format, may be absent.
  if (exported === 'openBuilt') list.push(...(args.length < 3 ? ['null'] : []), 'openToken')
  const called = from === SHIM ? (sync ? 'directSync' : 'direct') : pairName(from)
  return `[${javaScript(name)}]:${sync ? '()=>' : ''}${called}(${list.join(',')})`
}

const pairName = (from: string) => `pair_${from.slice(PAIR.length)}`

/** A pair that variables need: the name of its opener, and the arguments of the call that makes it. */
interface NeededPair {
  name: string
  args: string
  suite: Suite
}

const openerOf = ({ name, args, suite }: NeededPair, p256: string, mlKem: string) =>
  `const ${name}=${suite === 'P-256' ? p256 : mlKem}(${args});`

/** Returns the pairs that the variables need. */
async function pairsOf(
  variables: OpenedVariable[],
  pairOf: (fingerprint: string) => Promise<PairOptions | undefined>,
): Promise<NeededPair[]> {
  const modules = variables.map(({ call }) => call.from).filter((from) => from !== SHIM)
  return Promise.all(
    [...new Set(modules)].map(async (from) => {
      const known = await pairOf(from.slice(PAIR.length))
      const { pair, options } = known!
      return {
        name: pairName(from),
        args: pairArguments(pair, options),
        suite: suiteOf(pair),
      }
    }),
  )
}

const runtimeCode = (name: `entry${'' | '-ml-kem'}${'' | '-sync'}`) =>
  readFile(createRequire(import.meta.url).resolve(`@unplugin-kms/runtime/${name}`), 'utf8')
