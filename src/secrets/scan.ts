import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { kmsOpeningCalls } from '../aws/kms-decrypt.js'
import { KmsBuildError } from '../errors.js'
import {
  examine,
  searchFor,
  unsearched,
  type Asset,
  type Leak,
  type Leftover,
  type SearchOptions,
} from '../pipeline/leak-check/examine.js'
import type { Seen } from '../pipeline/leak-check/parts.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { opener } from '../secrets-file/open.js'
import { readDotenv, unambiguousValues } from '../util/dotenv.js'
import { filesBelow } from '../util/walk.js'

export interface ScanOptions extends Omit<SecretsOptions, 'trust' | 'secretsFile'> {
  /** The secrets file whose entries to decrypt (kms:Decrypt) and search for; false for none. */
  secretsFile?: string | false
  /** Environment variables whose values to search for. */
  env?: string[]
  /** dotenv files whose values to search for. */
  envFiles?: string[]
  /** Like the option `leakCheck` of the plugin. */
  leakCheck?: { minLength?: number; except?: string[] }
  /** @deprecated The former name of `leakCheck`. */
  proof?: NonNullable<ScanOptions['leakCheck']>
}

export interface ScanResult {
  files: number
  /** How many values were searched for. */
  searched: number
  /** Names of values that are too short to search for. */
  short: string[]
  /** Name, file and encoding of each plaintext that was found; never a value. */
  leaks: Leak[]
  leftovers: Leftover[]
}

/**
 * Searches a folder of build output, of any tool, for plaintexts and for marks that were never
 * transformed, as the leak check of a build does.
 *
 * @throws KmsBuildError OPTIONS_INVALID, FILE_UNREADABLE, ENV_UNSET, PLAINTEXT_EMPTY if there is
 *   nothing to search for, and the errors of `opener`.
 */
export async function scanFolder(folder: string, options: ScanOptions = {}): Promise<ScanResult> {
  const search = searchOptionsOf(options)
  // Follows links, because a zip of the folder contains what they point to.
  const files = await filesBelow(folder)
  const seen = await seenValues(options)
  if (!seen.length)
    throw new KmsBuildError(
      'PLAINTEXT_EMPTY',
      'there is no value to search for: the secrets file has no entries, and --env and --env-file name no values.',
    )
  const { short, searched } = unsearched(seen, search)
  const { leaks, leftovers } = examine(contentsOf(folder, files), searchFor(seen, search))
  return {
    files: files.length,
    searched: searched.length,
    short: short.map(({ name }) => name),
    leaks,
    leftovers,
  }
}

/**
 * Returns the search options with their defaults.
 *
 * @throws KmsBuildError OPTIONS_INVALID if they are given by both names.
 */
export function searchOptionsOf({ leakCheck, proof }: ScanOptions): SearchOptions {
  if (leakCheck && proof)
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      'the options leakCheck and proof are both set, and proof is an alias. Remove proof.',
    )
  const { minLength = 8, except = [] } = leakCheck ?? proof ?? {}
  return { minLength, except }
}

/** Returns the values to search for. */
export const seenValues = async (options: ScanOptions): Promise<Seen[]> => [
  ...(await entriesOf(options)),
  ...variablesOf(options),
  ...(await dotenvOf(options)),
]

async function entriesOf({ secretsFile, aws = {} }: ScanOptions): Promise<Seen[]> {
  if (secretsFile === false) return []
  const file = await existingSecretsFile(secretsFile === undefined ? {} : { secretsFile })
  const { open } = opener(kmsOpeningCalls(aws), file)
  return Promise.all(
    [...file.secrets].map(async ([name, token]) => ({ name, plaintext: await open(token, name) })),
  )
}

const variablesOf = ({ env = [] }: ScanOptions): Seen[] =>
  env.map((name) => {
    const value: unknown = process.env[name]
    // Every object has values of names such as `constructor`.
    if (!value || typeof value !== 'string')
      throw new KmsBuildError(
        'ENV_UNSET',
        `the environment variable ${name} is unset or empty: there is nothing to search for.`,
      )
    return { name, plaintext: Buffer.from(value) }
  })

async function dotenvOf({ envFiles = [] }: ScanOptions): Promise<Seen[]> {
  const files = await Promise.all(envFiles.map(readDotenv))
  return files.flatMap((file) =>
    [...unambiguousValues(file)].map(([name, value]) => ({ name, plaintext: Buffer.from(value) })),
  )
}

/** Yields files one by one, so that only one is in memory. */
function* contentsOf(folder: string, files: string[]): Generator<Asset> {
  for (const path of files) yield { name: relative(folder, path), content: readFileSync(path) }
}
