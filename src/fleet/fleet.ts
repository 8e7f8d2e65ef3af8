import { relative } from 'node:path'
import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import type { ZipFile } from 'yauzl'
import { entriesOfZip, openZip } from '../inspect/files.js'
import { readFiles } from '../inspect/inspect.js'
import { nodeWithoutMlKem } from '../pipeline/node-target.js'
import { existingSecretsFile } from '../secrets-file/locate.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { memoizeAsync } from '../util/memoize-async.js'
import { filesBelow } from '../util/walk.js'
import { LambdaReader, type CodeLocation, type DeployedVersion } from './deployed.js'
import { replacements } from './history.js'
import { openRemoteZip } from './remote-zip.js'
import { statesOf } from './state.js'
import type { Fleet, FleetFunction, FleetOptions } from './types.js'

/** Functions that are examined at a time. */
const CONCURRENCY = 8

/** Bytes of the largest file that is parsed: a syntax tree takes some 400 times as many. */
const LARGEST_PARSED = 16 * 1024

/**
 * Finds the deployed functions that still contain earlier values of secrets. Decrypts nothing, and
 * stores no code.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, FILE_UNREADABLE; LAMBDA_DENIED,
 *   LAMBDA_FAILED, CREDENTIALS_MISSING, AWS_CONFIG_INVALID if functions cannot be listed.
 */
export async function examineFleet(options: FleetOptions = {}): Promise<Fleet> {
  const paths = options.secretsFiles ?? ['kms-secrets.json']
  const files = await Promise.all(paths.map((secretsFile) => existingSecretsFile({ secretsFile })))
  const dates = await datesOf(files, options.since)
  const reader = new LambdaReader(options)
  const examiner = new Examiner(options, files, dates, reader)
  const { found, examined } =
    options.zipFolder === undefined
      ? await examiner.all(reader.functions(), (found) => examiner.deployed(found))
      : await examiner.all(zipsIn(options.zipFolder), (path) =>
          examiner.local(path, options.zipFolder!),
        )
  found.sort((one, other) => (one.id < other.id ? -1 : 1))
  return {
    functions: found,
    examined,
    redeploy: found
      .filter(({ secrets }) => secrets.some(({ state }) => state !== 'current'))
      .map(({ id }) => id),
    notes: [...reader.notes],
  }
}

/** Yields what a function may run: source maps repeat it, and are as large. */
async function* codeIn(zip: ZipFile, what: string) {
  for await (const file of entriesOfZip(zip, what, '')) if (!file.name.endsWith('.map')) yield file
}

async function* zipsIn(folder: string): AsyncGenerator<string> {
  for (const path of await filesBelow(folder)) if (/\.zip$/i.test(path)) yield path
}

async function datesOf(files: SecretsFile[], since: string | undefined) {
  const all = new Map<string, string>()
  if (since === undefined) return all
  for (const { path } of files)
    for (const [digest, date] of await replacements(path, since)) all.set(digest, date)
  return all
}

/** Examines functions, a few at a time. */
class Examiner {
  readonly #options: FleetOptions
  readonly #files: SecretsFile[]
  readonly #dates: Map<string, string>
  readonly #reader: LambdaReader
  /** A layer is read once, however many functions have it. */
  readonly #layer = memoizeAsync((arn: string) => this.#readLayer(arn))

  constructor(
    options: FleetOptions,
    files: SecretsFile[],
    dates: Map<string, string>,
    reader: LambdaReader,
  ) {
    this.#options = options
    this.#files = files
    this.#dates = dates
    this.#reader = reader
  }

  /** Examines each item as it is listed. Keeps only those with secrets, or that were not read. */
  async all<T>(items: AsyncIterable<T>, examine: (item: T) => Promise<FleetFunction[]>) {
    const found: FleetFunction[] = []
    const running = new Set<Promise<void>>()
    let examined = 0
    let known = 0
    let done = 0
    for await (const item of items) {
      known++
      const work = async () => {
        const functions = await examine(item)
        examined += functions.length
        found.push(...functions.filter(({ secrets, notRead }) => secrets.length || notRead.length))
        this.#options.onProgress?.(++done, known)
      }
      const settled = work().finally(() => running.delete(settled))
      running.add(settled)
      if (running.size >= CONCURRENCY) await Promise.race(running)
    }
    await Promise.all(running)
    return { found, examined }
  }

  async local(path: string, folder: string): Promise<FleetFunction[]> {
    const name = relative(folder, path)
    const code = await this.#secretsIn(() => openZip(path), 'the code')
    return [{ id: path, name, version: '$LATEST', aliases: [], ...code }]
  }

  async deployed(found: FunctionConfiguration): Promise<FleetFunction[]> {
    const examined: FleetFunction[] = []
    for (const version of await this.#reader.versionsOf(found)) {
      const one = await this.#version(version)
      if (one) examined.push(one)
    }
    return examined
  }

  /** @returns undefined if the function was deleted meanwhile, or lacks a tag. */
  async #version(version: DeployedVersion): Promise<FleetFunction | undefined> {
    const read = await this.#codeOf(version)
    if (!read) return undefined
    const parts = [read]
    for (const layer of version.layers) parts.push(await this.#layer(layer))
    const { arn, name, region, aliases, lastModified } = version
    const secrets = parts.flatMap((part) => part.secrets)
    const hasMlKem = secrets.some(({ suite }) => suite !== undefined)
    const isUnsupported = hasMlKem && nodeWithoutMlKem(read.runtime) !== undefined
    return {
      id: arn,
      name,
      region,
      version: version.version,
      aliases,
      ...(lastModified !== undefined && { lastModified }),
      secrets,
      ...(isUnsupported && { unsupportedRuntime: read.runtime! }),
      notRead: parts.flatMap(({ notRead }) => notRead),
    }
  }

  async #codeOf(version: DeployedVersion): Promise<Contents | undefined> {
    let code: CodeLocation | undefined
    try {
      code = await this.#reader.locate(version)
    } catch (error) {
      return unread('the code', (error as Error).name)
    }
    if (!code) return undefined
    const { tags, zip, runtime } = code
    const wanted = Object.entries(this.#options.tags ?? {})
    if (!wanted.every(([key, value]) => tags[key] === value)) return undefined
    if (version.isImage) return { secrets: [], notRead: ['a container image'] }
    if (zip === undefined) return unread('the code', 'no location')
    return { ...(await this.#remote(zip, 'the code')), runtime }
  }

  async #readLayer(arn: string): Promise<Contents> {
    const what = `layer ${arn}`
    try {
      const zip = await this.#reader.locateLayer(arn)
      return zip === undefined ? unread(what, 'no code') : await this.#remote(zip, what)
    } catch (error) {
      return unread(what, (error as Error).name)
    }
  }

  #remote(url: string, what: string): Promise<Contents> {
    return this.#secretsIn(() => openRemoteZip(url, this.#options.aws ?? {}), what)
  }

  async #secretsIn(open: () => Promise<ZipFile>, what: string): Promise<Contents> {
    try {
      const zip = await open()
      try {
        const { secrets } = await readFiles(codeIn(zip, what), LARGEST_PARSED)
        return { secrets: statesOf(secrets, this.#files, this.#dates), notRead: [] }
      } finally {
        zip.close()
      }
    } catch (error) {
      return unread(what, (error as Error).message)
    }
  }
}

/** What a zip contains, or why it was not read. */
type Contents = Pick<FleetFunction, 'secrets' | 'notRead'> & { runtime?: string | undefined }

const unread = (what: string, reason: string): Contents => ({
  secrets: [],
  notRead: [`${what}: ${reason}`],
})
