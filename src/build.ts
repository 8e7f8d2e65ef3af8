import { createHash } from 'node:crypto'
import { relative, sep } from 'node:path'
import { collect, MARKER, type Mark } from './collect/collect.js'
import { emit, type Opening } from './emit/emit.js'
import {
  CLIENT,
  CLIENT_CODE,
  directOpening,
  fingerprintIn,
  pairModule,
  pairModuleCode,
  SHIM,
  shimModule,
} from './emit/shim.js'
import { KmsBuildError, placeText } from './errors.js'
import { resolveOptions, type Options } from './options.js'
import { importChain, type Graph } from './prove/origins.js'
import type { Seen } from './prove/parts.js'
import { prove, unsearched, type Asset } from './prove/prove.js'
import { fileOf, nameOf, resolve, shown, type Value } from './resolve/resolve.js'
import { createRemote } from './resolve/remote.js'
import { createDataKeyPair, type DataKeyPair } from './seal/data-key-pair.js'
import { directSealer } from './seal/direct.js'
import { kmsCalls } from './seal/kms.js'
import { checkKeys, checkPins } from './seal/pin.js'
import { seal } from './seal/seal.js'
import { readSecretsFile, type SecretsFile } from './seal/secrets-file.js'

/** What a bundler tells about the bundle that a module goes into. */
export interface Target {
  /** Whether a browser will run it. */
  client?: boolean
  /** Whether no bundle is made of it at the end: a dev server's modules. */
  immediate?: boolean
  /** Whether its format has no top-level await. */
  cjs?: boolean
}

export interface Transformed {
  code: string
  map: { toString(): string; toUrl(): string }
}

/** Told of each file whose change makes a result stale, also when there will be no result. */
export type Watch = (file: string) => void

export type Build = ReturnType<typeof createBuild>

/** Above so many the requests of a cold start begin to wait for each other. */
const MANY_DIRECT = 10

/** What is known of a module with marks, until it is transformed again. */
interface Remembered {
  seen: Seen[]
  plaintextLiterals: Mark[]
  sync: Mark[]
  /** How many of its secrets have a ciphertext, and so a kms:Decrypt, of their own. */
  direct: number
  /** Marks in a browser bundle, and the text that shows whether they are still in it at the end. */
  client: { mark: Mark; sentinel: string }[]
}

/**
 * One build, or one watch session of builds: collect, resolve, seal, emit for each module; then
 * prove, over all that came out. A bundler's file calls these and holds nothing but its hooks.
 */
export function createBuild(userOptions: Options | undefined) {
  const options = resolveOptions(userOptions)
  const kms = kmsCalls(options.aws)
  const remote = createRemote(options.aws, kms, options.sources)
  const encryptDirect = directSealer(kms, remote.fetching.bounded)
  // Never emptied: what a module that left the build held may not stand in the output either.
  const modules = new Map<string, Remembered>()
  const tokens = new Map<string, Promise<string>>()
  let { root } = options
  let lacksAwait = false
  let secretsFile: SecretsFile | null = null
  let fresh: Promise<DataKeyPair> | undefined
  let started: Promise<void> | undefined
  // Some bundlers write what they have although a module failed.
  let failure: KmsBuildError | undefined

  /** Places are shown, and named in bundles, relative to this folder: the same on every machine. */
  const setRoot = (folder: string) => void (root = folder)
  const fromRoot = (path: string) => relative(root, path).split(sep).join('/')

  /** Reads and checks the secrets file, before any source is read. Again at each rebuild. */
  async function start() {
    failure = undefined
    started = load()
    await started
  }

  async function load() {
    const { path, required } = options.secretsFile
    secretsFile = await readSecretsFile(path)
    if (!secretsFile) {
      if (required) {
        throw new KmsBuildError(
          'SECRETS_FILE_MISSING',
          `there is no secrets file ${path}. Make one with npx unplugin-kms init --key ID, or mend the option secretsFile.`,
        )
      }
      if (options.seed) {
        throw new KmsBuildError(
          'SECRETS_FILE_MISSING',
          `UNPLUGIN_KMS_SEED is set, but there is no secrets file ${path}: without one each build makes a data key pair of its own, and no two are alike.`,
        )
      }
      if (options.pins.length) {
        throw new KmsBuildError(
          'SECRETS_FILE_MISSING',
          `a pin is set but there is no secrets file ${path} to compare it with.`,
        )
      }
      return
    }
    checkPins(secretsFile, options.pins)
    checkKeys(secretsFile, options.keyIds)
    checkContext(secretsFile)
  }

  function checkContext({ path, encryptionContext }: SecretsFile) {
    const canonical = (context: Record<string, string>) =>
      JSON.stringify(Object.entries(context).sort())
    if (
      options.encryptionContext &&
      canonical(options.encryptionContext) !== canonical(encryptionContext)
    ) {
      throw new KmsBuildError(
        'OPTIONS_INVALID',
        `option encryptionContext and that of ${path} differ. They must be equal: drop the option.`,
      )
    }
  }

  const { include, exclude } = options

  /** Whether a module is looked at; its text decides whether it has marks. */
  const includes = (id: string) =>
    include.some((pattern) => pattern.test(id)) && !exclude.some((pattern) => pattern.test(id))

  /** For a module that changed, or lost its marks: what is known of it no longer holds. */
  const forget = (id: string) => void modules.delete(id)

  /** Remembers the first failure, so that the build fails at its end if the bundler went on. */
  async function remembering<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof KmsBuildError) failure ??= error
      throw error
    }
  }

  async function transformModule(
    code: string,
    id: string,
    target: Target,
    watch: Watch,
  ): Promise<Transformed | null> {
    const path = id.replace(/[?#].*$/, '')
    forget(id)
    if (!code.includes(MARKER)) return null
    const file = fromRoot(path)
    const collected = collect(code, file)
    if (!collected) return null

    const { marks } = collected
    watch(options.secretsFile.path)
    for (const mark of marks) if (mark.source === 'file') watch(fileOf(mark, path))
    await (started ??= load())
    refuseTarget(marks, target)
    if (target.client && options.client === 'error')
      return emit(code, path, collected, refusedOpenings(id, marks))
    const sources = {
      env: options.env,
      secretsFile,
      secretsFilePath: options.secretsFile.path,
      keyIds: keyIds(),
      remote,
    }
    const values = await Promise.all(marks.map((mark) => resolve(mark, path, sources)))
    remember(id, marks, values)
    const openings = await Promise.all(marks.map((mark, index) => sealed(mark, values[index]!)))
    return emit(code, path, collected, openings)
  }

  /** Nothing is resolved for a browser; whether a mark is still in the bundle is seen at its end. */
  function refusedOpenings(id: string, marks: Mark[]): Opening[] {
    const client = marks.map((mark) => ({
      mark,
      sentinel: `unplugin-kms: ${placeText(mark.place)} in a browser bundle`,
    }))
    modules.set(id, { seen: [], plaintextLiterals: [], sync: [], direct: 0, client })
    return client.map(({ sentinel }) => ({ from: CLIENT, export: 'refused', args: [sentinel] }))
  }

  function proveClient(assets: Asset[], { importersOf }: Graph) {
    const marks = [...modules].flatMap(([id, { client }]) => client.map((one) => ({ id, ...one })))
    if (!marks.length) return
    const code = assets
      .filter(({ name }) => !name.endsWith('.map'))
      .map(({ content }) => Buffer.from(content as Uint8Array))
    const reached = marks.find(({ sentinel }) => code.some((bytes) => bytes.includes(sentinel)))
    if (reached) throw inClient(reached.mark, importChain(reached.id, importersOf))
  }

  function inClient(mark: Mark, chain: string[] = []) {
    const names = chain.map(fromRoot)
    return new KmsBuildError(
      'CLIENT_BUNDLE',
      `${shown(mark)} would go into a browser bundle, where nobody can open it and everybody can read it. ` +
        (names.length > 1 ? `It is imported there by ${names.join(' -> ')}. ` : '') +
        "Build for Node (esbuild: platform 'node'; Vite: an SSR build; webpack: target 'node'), or keep the module out of the browser's imports.",
      mark.place,
    )
  }

  function refuseTarget(marks: Mark[], { client, immediate, cjs }: Target) {
    const [first] = marks
    if (first && client && immediate && options.client === 'error') throw inClient(first)
    const sync = marks.find((mark) => mark.sync)
    if (sync && (cjs ?? lacksAwait)) throw syncInCjs(sync)
  }

  const syncInCjs = (mark: Mark) =>
    new KmsBuildError(
      'SYNC_IN_CJS',
      `${shown(mark)} of unplugin-kms/secret/sync needs top-level await, which CommonJS output lacks. Build ESM (format 'esm', file name .mjs), or import from unplugin-kms/secret and await the secret.`,
      mark.place,
    )

  /** For bundlers that tell the output's format apart from the modules, before or after them. */
  function setCjs(cjs: boolean) {
    lacksAwait = cjs
    for (const { sync } of modules.values()) if (cjs && sync[0]) throw syncInCjs(sync[0])
  }

  function remember(id: string, marks: Mark[], values: Value[]) {
    const plaintextLiterals = marks.filter(
      (mark, index) => mark.source === 'literal' && 'plaintext' in values[index]!,
    )
    const [literal] = plaintextLiterals
    if (literal && options.plaintextLiterals === 'error') {
      throw new KmsBuildError(
        'PLAINTEXT_LITERAL',
        'a plaintext stands in the source, and in its git history. Seal it with npx unplugin-kms encrypt, or move it to the secrets file.',
        literal.place,
      )
    }
    const seen = marks.flatMap((mark, index) => {
      const value = values[index]!
      return 'plaintext' in value
        ? [{ name: nameOf(mark), plaintext: value.plaintext, json: mark.format === 'json' }]
        : []
    })
    modules.set(id, {
      seen,
      plaintextLiterals,
      sync: marks.filter(({ sync }) => sync),
      direct: values.filter(isDirect).length,
      client: [],
    })
  }

  const isDirect = (value: Value) =>
    'wrapped' in value || ('plaintext' in value && options.mode === 'direct')

  /** The keys that open what has no data key pair. */
  const keyIds = () =>
    options.keyIds.length || !secretsFile
      ? options.keyIds
      : secretsFile.pairs.get(secretsFile.current)!.wrapped.map(({ keyId }) => keyId)

  function sealedDirect(mark: Mark, plaintext: Uint8Array) {
    if (!keyIds().length) throw keyMissing(mark)
    return encryptDirect(
      { name: nameOf(mark), place: mark.place },
      plaintext,
      keyIds(),
      secretsFile?.encryptionContext ?? options.encryptionContext ?? {},
    )
  }

  async function sealed(mark: Mark, value: Value): Promise<Opening> {
    if ('wrapped' in value)
      return directOpening(value, nameOf(mark), mark.format, options.runtime, options.aws)
    const as = mark.format === 'text' ? [] : [mark.format]
    const opening = (fingerprint: string, token: string) => ({
      from: pairModule(fingerprint),
      export: 'open',
      args: [token, nameOf(mark), ...as],
    })
    if ('token' in value) return opening(value.fingerprint, value.token)
    if (options.mode === 'direct') return sealed(mark, await sealedDirect(mark, value.plaintext))
    const pair = await sealingPair(mark)
    return opening(pair.fingerprint, await sealOnce(pair, mark, value.plaintext))
  }

  async function virtualModule(name: string, watch: Watch): Promise<string> {
    if (name === SHIM) return shimModule()
    if (name === CLIENT) return CLIENT_CODE
    const fingerprint = fingerprintIn(name)!
    watch(options.secretsFile.path)
    await (started ??= load())
    const made = await fresh
    const pair = made?.fingerprint === fingerprint ? made : secretsFile?.pairs.get(fingerprint)
    if (!pair) {
      throw new KmsBuildError(
        'TOKEN_FOREIGN',
        `a module kept from an earlier build is sealed to ${fingerprint}, which this build does not know. Build without the bundler's cache.`,
      )
    }
    return pairModuleCode(pair, options.runtime, options.aws)
  }

  /** An unchanged value keeps its token within a watch session, so that a rebuild changes nothing. */
  function sealOnce(pair: DataKeyPair, mark: Mark, plaintext: Uint8Array): Promise<string> {
    const kind = mark.format === 'bytes' ? 'bytes' : 'literal'
    const digest = createHash('sha256').update(plaintext).digest('base64')
    const key = `${pair.fingerprint} ${kind} ${mark.place.file} ${nameOf(mark)} ${digest}`
    let token = tokens.get(key)
    if (!token) tokens.set(key, (token = seal(pair, kind, plaintext, '', options.seed)))
    return token
  }

  const keyMissing = (mark: Mark) =>
    new KmsBuildError(
      'KEY_MISSING',
      `nothing says which KMS key may open ${shown(mark)}. Set the option keyId, or make a secrets file with npx unplugin-kms init --key ID.`,
      mark.place,
    )

  async function sealingPair(mark: Mark): Promise<DataKeyPair> {
    if (secretsFile) return secretsFile.pairs.get(secretsFile.current)!
    if (!options.keyIds.length) throw keyMissing(mark)
    fresh ??= createDataKeyPair(kms, options.keyIds, options.encryptionContext ?? {})
    try {
      return await fresh
    } catch (error) {
      // The next build of a watch session asks again.
      fresh = undefined
      throw error
    }
  }

  const allSeen = () => [...modules.values()].flatMap(({ seen }) => seen)

  /** What the user should know about a build that succeeded, one sentence each. */
  function warnings(): string[] {
    const literals = [...modules.values()].flatMap(({ plaintextLiterals }) => plaintextLiterals)
    const direct = [...modules.values()].reduce((sum, module) => sum + module.direct, 0)
    const { short } = unsearched(allSeen(), options.proof)
    const places = (marks: Mark[]) =>
      marks
        .slice(0, 5)
        .map(({ place }) => placeText(place))
        .join(', ')
    return [
      ...(literals.length && options.plaintextLiterals === 'warn'
        ? [
            `${literals.length} plaintext ${literals.length > 1 ? 'literals stand' : 'literal stands'} in the source (${places(literals)}), and so in git. Seal with npx unplugin-kms encrypt, or set plaintextLiterals: 'allow'. [PLAINTEXT_LITERAL]`,
          ]
        : []),
      ...(direct > MANY_DIRECT
        ? [
            `${direct} secrets have a ciphertext of their own, and so a kms:Decrypt each at run time. Mode envelope opens all plaintexts with one; an SSM parameter with { decrypt: true } goes with them. [DIRECT_MANY]`,
          ]
        : []),
      ...(short.length
        ? [
            `too short to be searched for in the output (proof.minLength ${options.proof.minLength}): ${[...new Set(short.map(({ name }) => name))].join(', ')}. [PROOF_SKIPPED]`,
          ]
        : []),
    ]
  }

  return {
    setRoot,
    start,
    include,
    exclude,
    includes,
    /** @returns null where the module has no marks. */
    transform: (code: string, id: string, target: Target, watch: Watch) =>
      remembering(transformModule(code, id, target, watch)),
    setCjs,
    warnings,
    /** Whether any module had a mark: a build without is left as it is. */
    hasMarks: () => modules.size > 0,
    forget,
    /** The code of one of the modules that exist only in the build, by the name that is imported. */
    virtual: (name: string, watch: Watch) => remembering(virtualModule(name, watch)),
    /** @throws KmsBuildError before anything is written, unless all of it is free of plaintexts and marks. */
    async prove(assets: Asset[], graph: Graph = { inputs: [] }) {
      if (failure) throw failure
      proveClient(assets, graph)
      await prove(assets, allSeen(), options.proof, graph, fromRoot)
    },
    /** What a module becomes that reached the bundler without passing through `transform`. */
    poison(importer?: string): KmsBuildError {
      return (failure ??= new KmsBuildError(
        'MARK_UNTRANSFORMED',
        `${importer ? `${fromRoot(importer)}: ` : ''}unplugin-kms/secret is imported by a module that the plugin never saw. Put the plugin first in the array of plugins, and into every build that bundles the module; see also the options include and exclude.`,
      ))
    },
  }
}
