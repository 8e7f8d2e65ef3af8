import { Buffer } from 'node:buffer'
import { findInConstants } from '../embedded/constants.js'
import { isCode } from '../embedded/facts.js'
import { findEmbedded } from '../embedded/find-embedded.js'
import { differences, readManifest, type Difference } from './against.js'
import { assemble, type InspectedPair, type InspectedSecret, type ReadFile } from './assemble.js'
import { builtFiles, type BuiltFile } from './files.js'
import { compareWithSecretsFile, type SealedTo } from './sealed-to.js'

export interface InspectOptions {
  /** A secrets file to compare with the bundle; relative to the working directory. */
  secretsFile?: string
  /** A manifest to compare with the bundle. */
  against?: string
}

/** The contents of built files. Names of files are relative to the inspected path. */
export interface Inspection {
  /** How many files were read. */
  files: number
  /** Symbolic links that point out of the inspected folder. Their targets were not read. */
  notFollowed: string[]
  secrets: Omit<InspectedSecret, 'digest' | 'blobs'>[]
  dataKeyPairs: Omit<InspectedPair, 'blobs'>[]
  /** Names that occur in several chunks. */
  duplicates: { name: string; chunks: string[] }[]
  /** Malformed tokens, which cannot be decrypted. */
  broken: { file: string; reason: string }[]
  /** The comparison with the option `secretsFile`. */
  secretsFile?: SealedTo
  /** The comparison with the option `against`. */
  against?: { path: string; agrees: boolean; differences: Difference[] }
}

/**
 * Reports the embedded secrets of built bundles, source maps, folders and zip files, minified or not.
 * Needs no AWS and no project, decrypts nothing, and keeps only a few megabytes of a file in memory.
 *
 * @throws KmsBuildError FILE_UNREADABLE; with `secretsFile` SECRETS_FILE_MISSING and
 *   SECRETS_FILE_INVALID; with `against` MANIFEST_INVALID.
 */
export async function inspect(
  paths: string | string[],
  options: InspectOptions = {},
): Promise<Inspection> {
  const { secretsFile, against } = options
  const manifest = against === undefined ? null : await readManifest(against)
  const { secrets, dataKeyPairs, ...read } = await readBundles([paths].flat())
  return {
    ...read,
    secrets: secrets.map(withoutCiphertext),
    dataKeyPairs: dataKeyPairs.map(withoutCiphertext),
    duplicates: duplicatesOf(secrets),
    ...(secretsFile !== undefined && {
      secretsFile: await compareWithSecretsFile(secrets, secretsFile),
    }),
    ...(manifest && { against: agreement(against!, differences(secrets, manifest)) }),
  }
}

export interface BundleContents extends Pick<Inspection, 'files' | 'notFollowed' | 'broken'> {
  secrets: InspectedSecret[]
  dataKeyPairs: InspectedPair[]
}

/** Reads the secrets and pairs of built files, including their ciphertexts. */
export async function readBundles(paths: string[]): Promise<BundleContents> {
  const notFollowed: string[] = []
  return { ...(await readFiles(builtFiles(paths, notFollowed))), notFollowed }
}

/**
 * Reads the secrets and pairs of files, one file after the other.
 *
 * @param largestParsed bytes of the largest file whose constants are followed: parsing takes some 400
 *   times as much memory.
 */
export async function readFiles(
  built: AsyncIterable<BuiltFile>,
  largestParsed = LARGEST_PARSED,
): Promise<Omit<BundleContents, 'notFollowed'>> {
  const read: ReadFile[] = []
  let files = 0
  for await (const file of built) {
    files++
    const items = await embeddedIn(file, largestParsed)
    if (items.length) read.push({ name: file.name, isCode: isCode(file.name), items })
  }
  const broken = read.flatMap(({ name, items }) =>
    items.flatMap((one) => (one.what === 'malformed' ? [{ file: name, reason: one.reason }] : [])),
  )
  return { files, ...assemble(read), broken }
}

function withoutCiphertext<T extends { blobs: string[]; digest?: string }>(one: T) {
  const { digest: _, blobs: _blobs, ...facts } = one
  return facts
}

const agreement = (path: string, found: Difference[]) => ({
  path,
  agrees: !found.length,
  differences: found,
})

/** Bytes of the largest file that is parsed for constants. Larger ones would need too much memory. */
const LARGEST_PARSED = 4 * 1024 * 1024

async function embeddedIn(file: BuiltFile, largestParsed: number) {
  const { items, hasLooseToken, hasLooseKey } = await findEmbedded(file.content())
  const lacksBlobs = !items.some(({ what }) => what === 'pair' || what === 'direct')
  const hasConstants = hasLooseToken || (hasLooseKey && lacksBlobs)
  if (!isCode(file.name) || file.size > largestParsed || !hasConstants) return items
  const blocks: Buffer[] = []
  for await (const block of file.content()) blocks.push(block)
  return [...items, ...findInConstants(Buffer.concat(blocks).toString('utf8'))]
}

function duplicatesOf(secrets: InspectedSecret[]) {
  const chunks = new Map<string, Set<string>>()
  for (const { name, chunks: own } of secrets) {
    if (name === null) continue
    const all = chunks.get(name) ?? new Set()
    for (const chunk of own) all.add(chunk)
    chunks.set(name, all)
  }
  return [...chunks]
    .filter(([, { size }]) => size > 1)
    .map(([name, all]) => ({ name, chunks: [...all].sort() }))
}
