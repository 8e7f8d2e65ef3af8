import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { unsearched, type Asset } from '../prove/examine.js'
import type { Seen } from '../prove/parts.js'
import { prove } from '../prove/prove.js'
import { kmsOpeningCalls } from '../seal/kms-opening.js'
import { opener } from '../seal/open.js'
import { readDotenv } from './dotenv.js'
import { existingSecretsFile, type SecretsOptions } from './options.js'

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
  /** What was found, a file each: where which name stands, and in which encoding; never a value. */
  findings: { file: string; code: string; places: string[] }[]
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
  const seen = [
    ...(await entriesOf(options)),
    ...variablesOf(options),
    ...(await dotenvOf(options)),
  ]
  if (!seen.length)
    throw new KmsBuildError(
      'PLAINTEXT_EMPTY',
      'there is no value to look for: the secrets file has no entry, and neither --env nor --env-file gave one.',
    )
  const { short, searched } = unsearched(seen, proof)

  const assets = await assetsIn(folder)
  const findings: Scanned['findings'] = []
  // All at once first, since a search is built once for all its files; one by one only to tell them apart.
  if (await failure(assets, seen, proof)) {
    for (const asset of assets) {
      const error = await failure([asset], seen, proof)
      if (error) findings.push(finding(asset.name, error))
    }
  }
  return {
    files: assets.length,
    searched: searched.length,
    short: short.map(({ name }) => name),
    findings,
  }
}

async function failure(
  assets: Asset[],
  seen: Seen[],
  proof: { minLength: number; except: string[] },
): Promise<KmsBuildError | null> {
  try {
    await prove(assets, seen, proof)
    return null
  } catch (error) {
    if (error instanceof KmsBuildError) return error
    throw error
  }
}

/** Takes the places from the proof's message: `  NAME (encoding) in FILE:LINE:COLUMN`. */
function finding(name: string, { code, message }: KmsBuildError) {
  if (code !== 'LEAK') {
    const what =
      code === 'SHIM_EXTERNAL'
        ? 'an import of the shim, which no deployed function finds'
        : 'a mark that was never transformed'
    return { file: name, code, places: [what] }
  }
  const places = message
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim())
  // The name itself may be the plaintext, and is not said again.
  return {
    file: places.some((place) => place.endsWith('(in its name)')) ? '•••' : name,
    code,
    places,
  }
}

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
    const value = process.env[name]
    if (!value)
      throw new KmsBuildError(
        'ENV_UNSET',
        `the environment variable ${name} is not set, or is empty: there is nothing to look for.`,
      )
    return { name, plaintext: Buffer.from(value) }
  })

async function dotenvOf({ envFiles = [] }: ScanOptions): Promise<Seen[]> {
  const files = await Promise.all(envFiles.map(readDotenv))
  return files.flatMap(({ values }) =>
    [...values].map(([name, value]) => ({ name, plaintext: Buffer.from(value) })),
  )
}

async function assetsIn(folder: string): Promise<Asset[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new KmsBuildError(
        'FILE_UNREADABLE',
        `${folder} cannot be read (${error.code}). Give a folder of build output.`,
      )
    },
  )
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  return Promise.all(
    files.map(async (path) => ({ name: relative(folder, path), content: await readFile(path) })),
  )
}
