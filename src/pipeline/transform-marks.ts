import { withEndpointVariant } from '../aws/configuration.js'
import { kmsCalls } from '../aws/kms.js'
import { requireSdkFrom } from '../aws/sdk.js'
import type { DataKeyPair } from '../crypto/data-key-pair.js'
import { decodeToken, tokenSuite, type Token } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import type { OptionsResolved } from '../options/types.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { updateTypes } from '../secrets-file/typings.js'
import { nameOf, shown, type Mark } from './collect/mark.js'
import { devCall } from './emit/dev.js'
import type { ShimCall } from './emit/emit.js'
import { shimCallOf } from './emit/shim.js'
import { clientMarks, refusedCall } from './leak-check/client-bundle.js'
import { loadSecretsFile } from './load-secrets-file.js'
import type { createManifest } from './manifest.js'
import { recordOf, type ModuleRegistry } from './module-registry.js'
import { devValue } from './resolve/dev-values.js'
import { fileOf } from './resolve/file.js'
import { showProgress } from './resolve/progress.js'
import { createRemote } from './resolve/remote.js'
import { resolve } from './resolve/resolve.js'
import type { Remote } from './resolve/types.js'
import { Sealer, type SealedValue } from './seal/sealer.js'
import type { ModuleHost } from './target.js'
import type { Timings } from './timings.js'

/** What a session keeps of the marks that are transformed. */
export interface MarksContext {
  options: OptionsResolved
  modules: ModuleRegistry
  manifest: ReturnType<typeof createManifest> | undefined
  timings: Timings
}

/** A module whose marks are transformed. */
export interface MarkedModule {
  /** The module's id: its path, perhaps with a query. */
  id: string
  path: string
  marks: Mark[]
}

/** A data key pair that a session seals to, and how its shim behaves. */
export interface PairOptions {
  pair: DataKeyPair
  options: Pick<OptionsResolved, 'runtime' | 'aws'>
}

/** Turns marks into the calls that open them: resolves and seals their values. */
export class MarkTransformer {
  readonly #context: MarksContext
  readonly #remote: Remote
  readonly #sealer: Sealer
  #secretsFile: SecretsFile | null = null
  #loaded: Promise<void> | undefined

  constructor(context: MarksContext) {
    const { options } = context
    const progress = showProgress()
    requireSdkFrom(import.meta.url)
    const kms = kmsCalls(options.aws, progress.whileKms)
    this.#context = context
    this.#remote = createRemote(options.aws, kms, options.sources, progress)
    this.#sealer = new Sealer(options, kms, this.#remote.fetching.bounded)
  }

  /** The secrets file, once it was read. */
  get secretsFile(): SecretsFile | null {
    return this.#secretsFile
  }

  /** Reads and checks the secrets file again. @throws as `loadSecretsFile`. */
  async reload(): Promise<void> {
    this.forgetSecretsFile()
    await this.#load()
  }

  /** Reads the secrets file again before the next mark. */
  forgetSecretsFile(): void {
    this.#loaded = undefined
  }

  /** Returns the secrets file, which is read if it was not. @throws as `loadSecretsFile`. */
  async loadSecretsFile(): Promise<SecretsFile | null> {
    await this.#load()
    return this.#secretsFile
  }

  /** Returns the calls that the marks of a module become, for its target. */
  async calls(
    module: MarkedModule,
    { target: { platform, command, withoutMlKem }, watch }: ModuleHost,
  ): Promise<ShimCall[]> {
    const { id, path, marks } = module
    const { options, modules } = this.#context
    watch(options.secretsFile.path)
    for (const mark of marks) if (mark.source === 'file') watch(fileOf(mark, path))
    await this.#load()
    if (platform === 'browser' && options.client === 'error') {
      const client = clientMarks(marks)
      modules.addClient(id, client)
      return client.map(refusedCall)
    }
    const { devValues } = options
    if (command === 'serve' && devValues) {
      if (typeof devValues === 'string') watch(devValues)
      return developmentCalls(marks, devValues)
    }
    return this.#sealedCalls(module, withoutMlKem)
  }

  /** Returns the data key pair with a fingerprint, or undefined if this session does not seal to it. */
  async pairOptions(fingerprint: string): Promise<PairOptions | undefined> {
    await this.#load()
    const pair = await this.#sealer.pairOf(fingerprint, this.#secretsFile)
    if (!pair) return undefined
    const { runtime, aws } = this.#context.options
    return { pair, options: { runtime, aws: await withEndpointVariant(aws) } }
  }

  #load(): Promise<void> {
    return (this.#loaded ??= this.#readSecretsFile())
  }

  async #readSecretsFile(): Promise<void> {
    const { options } = this.#context
    this.#secretsFile = await loadSecretsFile(options)
    // A warning here does not concern a build, whose checkout may be read-only.
    if (this.#secretsFile && options.types) await updateTypes(this.#secretsFile)
  }

  async #sealedCalls(
    { id, path, marks }: MarkedModule,
    withoutMlKem: string | undefined,
  ): Promise<ShimCall[]> {
    const { options, modules, manifest, timings } = this.#context
    const secretsFile = this.#secretsFile
    const sealer = this.#sealer
    const sources = {
      env: options.env,
      secretsFile,
      secretsFilePath: options.secretsFile.path,
      scopes: options.scopes,
      keyIds: sealer.keyIdsOf(secretsFile),
      remote: this.#remote,
    }
    const values = await timings.timed('resolve', () =>
      Promise.all(marks.map((mark) => resolve(mark, path, sources))),
    )
    // Before anything is sealed: a build that fails then still searches for these values.
    modules.add(id, recordOf(marks, values, options))
    const sealed = await timings.timed('seal', () =>
      Promise.all(marks.map((mark, index) => sealer.seal(mark, values[index]!, secretsFile))),
    )
    if (withoutMlKem !== undefined)
      for (const [index, one] of sealed.entries()) checkTarget(marks[index]!, one, withoutMlKem)
    await manifest?.note(id, marks, sealed, secretsFile, sealer)
    const shim = { runtime: options.runtime, aws: await withEndpointVariant(options.aws) }
    return marks.map((mark, index) => shimCallOf(mark, sealed[index]!, shim))
  }
}

/** Checks that a target without ML-KEM can open a token. @throws KmsBuildError TARGET_UNSUPPORTED. */
function checkTarget(mark: Mark, sealed: SealedValue, target: string): void {
  if (!('token' in sealed) || tokenSuite(decodeToken(sealed.token) as Token) === 'P-256') return
  throw new KmsBuildError(
    'TARGET_UNSUPPORTED',
    `${shown(mark)} is sealed to an ML-KEM pair, which Node.js 24.7 and later can open, and the bundle's target is ${target}. Set the target to node24 (the Lambda runtime nodejs24.x), or go back to P-256: npx unplugin-kms rotate --no-post-quantum.`,
    mark.place,
  )
}

/** Returns the calls that return the development values of the marks. */
const developmentCalls = (
  marks: Mark[],
  values: NonNullable<OptionsResolved['devValues']>,
): Promise<ShimCall[]> =>
  Promise.all(
    marks.map(async (mark) => devCall(await devValue(mark, values), nameOf(mark), mark.format)),
  )
