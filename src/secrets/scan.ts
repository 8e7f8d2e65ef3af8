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
} from '../pipeline/leak-check/examine.js'
import type { Seen } from '../pipeline/leak-check/parts.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { opener } from '../secrets-file/open.js'
import { readDotenv, unambiguousValues } from '../util/dotenv.js'
import { filesBelow } from '../util/walk.js'

export interface ScanOptions extends Omit<SecretsOptions, 'trust' | 'secretsFile'> {
  /** Its entries are opened (kms:Decrypt) and looked for; false for none. */
  secretsFile?: string | false
  /** Environment variables to look for. */
  env?: string[]
  /** dotenv files whose values are looked for. */
  envFiles?: string[]
  /** As the plugin's option `proof`. */
  proof?: { minLength?: number; except?: string[] }
}

export interface Scanned {
  files: number
  /** How many values were looked for. */
  searched: number
  /** Names of values too short to be looked for. */
  short: string[]
  /** Where which name stands, once for each encoding and file; never a value. */
  leaks: Leak[]
  leftovers: Leftover[]
}

/**
 * Searches a folder of build output, of whatever tool, for plaintexts and for marks that were never
 * transformed: the same search as the build's proof.
 *
 * @throws KmsBuildError FILE_UNREADABLE, ENV_UNSET, PLAINTEXT_EMPTY where there is nothing to look
 *   for, and what `opener` throws.
 */
export async function scanFolder(folder: string, options: ScanOptions = {}): Promise<Scanned> {
  const proof = { minLength: options.proof?.minLength ?? 8, except: options.proof?.except ?? [] }
  // Links are followed, as a zip of the folder contains what they point to.
  const files = await filesBelow(folder)
  const seen = await seenValues(options)
  if (!seen.length)
    throw new KmsBuildError(
      'PLAINTEXT_EMPTY',
      'there is no value to look for: the secrets file has no entry, and neither --env nor --env-file gave one.',
    )
  const { short, searched } = unsearched(seen, proof)
  const { leaks, leftovers } = examine(contentsOf(folder, files), searchFor(seen, proof))
  return {
    files: files.length,
    searched: searched.length,
    short: short.map(({ name }) => name),
    leaks,
    leftovers,
  }
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
    // Of a name such as `constructor` every object has a value.
    if (!value || typeof value !== 'string')
      throw new KmsBuildError(
        'ENV_UNSET',
        `the environment variable ${name} is not set, or is empty: there is nothing to look for.`,
      )
    return { name, plaintext: Buffer.from(value) }
  })

async function dotenvOf({ envFiles = [] }: ScanOptions): Promise<Seen[]> {
  const files = await Promise.all(envFiles.map(readDotenv))
  return files.flatMap((file) =>
    [...unambiguousValues(file)].map(([name, value]) => ({ name, plaintext: Buffer.from(value) })),
  )
}

/** One after the other, so that no more than one is in memory. */
function* contentsOf(folder: string, files: string[]): Generator<Asset> {
  for (const path of files) yield { name: relative(folder, path), content: readFileSync(path) }
}
