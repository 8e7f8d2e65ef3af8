import { relative } from 'node:path'
import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import type { ZipFile } from 'yauzl'
import { entriesOfZip, openZip } from '../inspect/files.js'
import { readFiles } from '../inspect/inspect.js'
import { existingSecretsFile } from '../secrets-file/locate.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { filesBelow } from '../util/walk.js'
import { LambdaReader, type DeployedVersion } from './deployed.js'
import { replacements } from './history.js'
import { openRemoteZip } from './remote-zip.js'
import { statesOf } from './state.js'
import type { Fleet, FleetFunction, FleetOptions, FleetSecret } from './types.js'

/** Functions that are examined at a time. */
const CONCURRENCY = 8

/**
 * Finds the deployed functions that still contain earlier values of secrets. Decrypts nothing, and
 * stores no code.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, FILE_UNREADABLE; the SDK's errors
 *   if functions cannot be listed.
 */
export async function examineFleet(options: FleetOptions = {}): Promise<Fleet> {
  const paths = options.secretsFiles ?? ['kms-secrets.json']
  const files = await Promise.all(paths.map((secretsFile) => existingSecretsFile({ secretsFile })))
  const dates = await datesOf(files, options.since)
  const reader = new LambdaReader(options)
  const examiner = new Examiner(options, files, dates, reader)
  const functions =
    options.zipFolder === undefined
      ? await examiner.all(reader.functions(), (found) => examiner.deployed(found))
      : await examiner.all(zipsIn(options.zipFolder), (path) =>
          examiner.local(path, options.zipFolder!),
        )
  const found = functions
    .filter(({ secrets, notRead }) => secrets.length || notRead.length)
    .sort((one, other) => (one.id < other.id ? -1 : 1))
  return {
    functions: found,
    examined: functions.length,
    redeploy: found
      .filter(({ secrets }) => secrets.some(({ state }) => state !== 'current'))
      .map(({ id }) => id),
    notes: [...reader.notes],
  }
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

  /** Examines each item as it is listed. */
  async all<T>(
    items: AsyncIterable<T>,
    examine: (item: T) => Promise<FleetFunction[]>,
  ): Promise<FleetFunction[]> {
    const results: FleetFunction[] = []
    const running = new Set<Promise<void>>()
    let known = 0
    let done = 0
    for await (const item of items) {
      known++
      const work = async () => {
        results.push(...(await examine(item)))
        this.#options.onProgress?.(++done, known)
      }
      const settled = work().finally(() => running.delete(settled))
      running.add(settled)
      if (running.size >= CONCURRENCY) await Promise.race(running)
    }
    await Promise.all(running)
    return results
  }

  async local(path: string, folder: string): Promise<FleetFunction[]> {
    const name = relative(folder, path)
    const notRead: string[] = []
    const secrets = await this.#secretsIn(() => openZip(path), notRead, 'the code')
    return [{ id: path, name, version: '$LATEST', aliases: [], secrets, notRead }]
  }

  async deployed(found: FunctionConfiguration): Promise<FleetFunction[]> {
    const versions = await this.#reader.versionsOf(found)
    const examined = await Promise.all(versions.map((version) => this.#version(version)))
    return examined.filter((one) => one !== undefined)
  }

  /** @returns undefined if the function was deleted meanwhile, or lacks a tag. */
  async #version(version: DeployedVersion): Promise<FleetFunction | undefined> {
    const { arn, name, region, aliases, isImage, lastModified } = version
    const notRead: string[] = []
    const facts = {
      id: arn,
      name,
      region,
      version: version.version,
      aliases,
      ...(lastModified !== undefined && { lastModified }),
    }
    const code = await this.#reader.locate(version).catch((error: Error) => {
      notRead.push(`the code: ${error.name}`)
      return { tags: {}, zip: undefined, layers: [] }
    })
    if (!code) return undefined
    const isTagged = Object.entries(this.#options.tags ?? {}).every(
      ([key, value]) => (code.tags as Record<string, string>)[key] === value,
    )
    if (!isTagged && !notRead.length) return undefined
    if (isImage) notRead.push('a container image')
    const zips = [
      ...(code.zip !== undefined && !isImage ? [{ what: 'the code', url: code.zip }] : []),
      ...code.layers.flatMap(({ arn: layer, zip, problem }) => {
        if (zip !== undefined) return [{ what: `layer ${layer}`, url: zip }]
        notRead.push(`layer ${layer}: ${problem ?? 'no code'}`)
        return []
      }),
    ]
    const secrets: FleetSecret[] = []
    for (const { what, url } of zips)
      secrets.push(
        ...(await this.#secretsIn(
          () => openRemoteZip(url, this.#options.aws ?? {}),
          notRead,
          what,
        )),
      )
    return { ...facts, secrets, notRead }
  }

  async #secretsIn(
    open: () => Promise<ZipFile>,
    notRead: string[],
    what: string,
  ): Promise<FleetSecret[]> {
    try {
      const zip = await open()
      try {
        const { secrets } = await readFiles(entriesOfZip(zip, what, ''))
        return statesOf(secrets, this.#files, this.#dates)
      } finally {
        zip.close()
      }
    } catch (error) {
      notRead.push(`${what}: ${(error as Error).message}`)
      return []
    }
  }
}
