import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { envelope, Settings, Wrapped } from '@unplugin-kms/runtime/shim'
import { endpointHost } from '../../aws/endpoint.js'
import type { DataKeyPair } from '../../crypto/data-key-pair.js'
import { suiteOf } from '../../crypto/suites.js'
import type { Direct } from '../../crypto/wrapped-secret.js'
import { KmsBuildError } from '../../errors.js'
import type { AwsOptions, OptionsResolved } from '../../options/types.js'
import type { Format } from '../../secret/format.js'
import { type Mark, nameOf } from '../collect/mark.js'
import type { SealedValue, SealedToken } from '../seal/sealer.js'
import { DEV, devModule } from './dev.js'
import { javaScript, type ShimCall } from './emit.js'
import { BLOCKING_PAIR, PAIR, SHIM, SYNC_SHIM } from './shim-call.js'
import { TABLE, TABLE_CODE } from './table.js'

export { SHIM, SYNC_SHIM } from './shim-call.js'

/** The prefix of the names of all modules that exist only in the build. */
export const OWN = './unplugin-kms.'

/** Returns the module name of a data key pair. A bundle contains and unwraps only the pairs of its marks. */
const pairModule = (fingerprint: string) => PAIR + fingerprint

/** Returns the name of a module that replaces the marker, by its code. */
export const marksModule = (code: string) =>
  `./unplugin-kms.marks.${createHash('sha256').update(code).digest('hex').slice(0, 16)}`

/** The module that a mark in a browser bundle imports, which cannot decrypt. */
export const CLIENT = './unplugin-kms.client'
const CLIENT_CODE = 'export const refused = (mark) => { throw new Error(mark) }\n'

/** The options that affect the shim and its KMS host. */
type ShimOptions = Pick<OptionsResolved, 'runtime' | 'aws'>

/** Opens the tokens of values that a build sealed itself, for the shim. */
export const OPEN_TOKEN = './unplugin-kms.open-token'

/** Opens tokens of ML-KEM pairs, with the shim's help: bundles without such pairs do not contain it. */
export const ML_KEM = './unplugin-kms.ml-kem'

/** The same, synchronously. */
export const ML_KEM_SYNC = './unplugin-kms.ml-kem-sync'

/** The names of the modules that exist only in a build. */
export const VIRTUAL =
  /^\.\/unplugin-kms\.(?:shim|sync|open-token|ml-kem(?:-sync)?|client|dev|table|(?:pair|blocking|marks)\.[0-9a-f]{16})$/

/**
 * Returns the code of a module that exists only in the build.
 *
 * @throws KmsBuildError TOKEN_FOREIGN if its data key pair is unknown.
 */
export async function moduleCode(
  name: string,
  pairOf: (fingerprint: string) => Promise<{ pair: DataKeyPair; options: ShimOptions } | undefined>,
): Promise<string> {
  const runtime = RUNTIME_MODULES[name]
  if (runtime) return runtimeModule(runtime)
  if (name === CLIENT) return CLIENT_CODE
  if (name === DEV) return devModule()
  if (name === TABLE) return TABLE_CODE
  const isBlocking = name.startsWith(BLOCKING_PAIR)
  const fingerprint = name.slice((isBlocking ? BLOCKING_PAIR : PAIR).length)
  const known = await pairOf(fingerprint)
  if (known && isBlocking) return blockingPairCode(known.pair, known.options)
  if (known) return pairModuleCode(known.pair, known.options.runtime, known.options.aws)
  throw new KmsBuildError(
    'TOKEN_FOREIGN',
    `a module kept from an earlier build is sealed to ${fingerprint}, which this build does not know. Build without the bundler's cache.`,
  )
}

const RUNTIME_MODULES: Partial<Record<string, string>> = {
  [SHIM]: 'shim',
  [OPEN_TOKEN]: 'open-token',
  [ML_KEM]: 'ml-kem-module',
  [SYNC_SHIM]: 'sync',
  [ML_KEM_SYNC]: 'ml-kem-sync',
}

/** Returns run-time code, which has no side effects until it is used. */
function runtimeModule(name: string): Promise<string> {
  // Resolved from this package, because strict package managers hide it from the user's project.
  const file = createRequire(import.meta.url).resolve(`@unplugin-kms/runtime/${name}`)
  return readFile(file, 'utf8')
}

/**
 * Returns the module of a data key pair. Its `open` opens tokens that were sealed to the pair, and
 * `openBuilt` those of values that a build sealed itself.
 */
export function pairModuleCode(pair: DataKeyPair, runtime: Settings, aws: AwsOptions): string {
  const args = pairArguments(pair, { runtime, aws })
  const open = `export const open = /* @__PURE__ */ envelope(${args});\n`
  // `open` of an ML-KEM pair opens both.
  if (suiteOf(pair) === 'ML-KEM-1024')
    return `import { envelope } from '${ML_KEM}';\n${open}export { open as openBuilt };\n`
  return (
    `import { envelope } from '${SHIM}';\nimport { openToken } from '${OPEN_TOKEN}';\n${open}` +
    // A plain call of `open`, which bundlers can see to have no side effects.
    'export const openBuilt = (token, label, as) => open(token, label, as, openToken);\n'
  )
}

/** Returns the module of a data key pair for secrets that are read synchronously. */
function blockingPairCode(pair: DataKeyPair, options: ShimOptions): string {
  const args = pairArguments(pair, options)
  if (suiteOf(pair) === 'ML-KEM-1024') {
    return (
      `import { mlKemEnvelopeSync } from '${ML_KEM_SYNC}';\n` +
      `export const openSync = /* @__PURE__ */ mlKemEnvelopeSync(${args});\nexport { openSync as openBuiltSync };\n`
    )
  }
  return (
    `import { envelopeSync } from '${SYNC_SHIM}';\nimport { openToken } from '${OPEN_TOKEN}';\n` +
    `export const openSync = /* @__PURE__ */ envelopeSync(${args});\n` +
    'export const openBuiltSync = (token, label, as) => openSync(token, label, as, openToken);\n'
  )
}

/** Returns the arguments of `envelope` for a pair, as JavaScript. */
export const pairArguments = (pair: DataKeyPair, options: ShimOptions): string =>
  envelopeArguments(pair, options).map(javaScript).join(', ')

/** Returns the arguments of `envelope` for a pair: blobs, encryption context, settings. */
export function envelopeArguments(
  { fingerprint, wrapped, encryptionContext }: DataKeyPair,
  { runtime, aws }: ShimOptions,
) {
  const blobs = wrapped.map(({ keyId, ciphertextBlob }): Wrapped => [
    keyId,
    endpointHost(keyId, aws),
    ciphertextBlob,
  ])
  // The shim ignores `pair`. `inspect` assigns tokens to pairs with it.
  const settings = { ...runtime, pair: fingerprint }
  return [blobs, encryptionContext, settings] as const satisfies Parameters<typeof envelope>
}

/** Returns the call that decrypts the value of a mark. */
export const shimCallOf = (
  mark: Mark,
  sealed: SealedValue,
  { runtime, aws }: ShimOptions,
): ShimCall =>
  'wrapped' in sealed
    ? directCall(sealed, nameOf(mark), mark.format, runtime, aws)
    : pairCall(sealed, nameOf(mark), mark.format)

/** Returns the call that decrypts a token of a data key pair. */
const pairCall = (
  { token, fingerprint, isBuilt }: SealedToken,
  name: string,
  format: Format,
): ShimCall => ({
  from: pairModule(fingerprint),
  export: isBuilt ? 'openBuilt' : 'open',
  args: [token, name, ...(format === 'text' ? [] : [format])],
})

/** Returns the call that decrypts a secret with its own CiphertextBlob. */
export function directCall(
  { wrapped, encryptionContext }: Direct,
  name: string,
  format: Format,
  runtime: Settings,
  aws: AwsOptions,
): ShimCall {
  const blobs = wrapped.map(({ keyId, ciphertextBlob, algorithm }) => [
    keyId,
    endpointHost(keyId, aws),
    ciphertextBlob,
    ...(algorithm ? [algorithm] : []),
  ])
  // Direct secrets are always requested when they are first awaited.
  const { start: _, ...settings } = runtime
  const rest = Object.keys(settings).length
    ? [format === 'text' ? null : format, settings]
    : format === 'text'
      ? []
      : [format]
  return { from: SHIM, export: 'direct', args: [blobs, encryptionContext, name, ...rest] }
}
