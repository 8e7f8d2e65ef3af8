import { Buffer } from 'node:buffer'
import { findInConstants } from '../embedded/constants.js'
import { isCode } from '../embedded/facts.js'
import { findEmbedded } from '../embedded/find-embedded.js'
import { differences, readManifest, type Difference } from './against.js'
import { assemble, type InspectedPair, type InspectedSecret, type ReadFile } from './assemble.js'
import { builtFiles, type BuiltFile } from './files.js'
import { compareWithSecretsFile, type SealedTo } from './sealed-to.js'

export interface InspectOptions {
  /** A secrets file to compare the bundle with; relative to the working directory. */
  secretsFile?: string
  /** A manifest to compare it with. */
  against?: string
}

/** What built files carry. Names of files are relative to the path that was inspected. */
export interface Inspection {
  /** How many files were read. */
  files: number
  /** Symbolic links that lead out of the folder that was inspected; what is there was not read. */
  notFollowed: string[]
  secrets: Omit<InspectedSecret, 'digest' | 'blobs'>[]
  dataKeyPairs: Omit<InspectedPair, 'blobs'>[]
  /** Names that stand in several chunks. */
  duplicates: { name: string; chunks: string[] }[]
  /** What begins like a token and is none: it can never be opened. */
  broken: { file: string; reason: string }[]
  /** How it agrees with the option `secretsFile`. */
  secretsFile?: SealedTo
  /** How it agrees with the manifest of the option `against`. */
  against?: { path: string; agrees: boolean; differences: Difference[] }
}

/**
 * Reads what built bundles, source maps, folders and zips of them carry, minified or not. Needs no
 * AWS and no project, opens nothing, and holds no more than a few megabytes of a file at a time.
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
  const { secrets, dataKeyPairs, ...read } = await readBuilt([paths].flat())
  return {
    ...read,
    secrets: secrets.map(published),
    dataKeyPairs: dataKeyPairs.map(published),
    duplicates: duplicatesOf(secrets),
    ...(secretsFile !== undefined && {
      secretsFile: await compareWithSecretsFile(secrets, secretsFile),
    }),
    ...(manifest && { against: agreement(against!, differences(secrets, manifest)) }),
  }
}

export interface Built extends Pick<Inspection, 'files' | 'notFollowed' | 'broken'> {
  secrets: InspectedSecret[]
  dataKeyPairs: InspectedPair[]
}

/** What stands in built files, with the ciphertexts themselves. */
export async function readBuilt(paths: string[]): Promise<Built> {
  const notFollowed: string[] = []
  return { ...(await readFiles(builtFiles(paths, notFollowed))), notFollowed }
}

/** Reads what files contain, one after the other. */
export async function readFiles(
  built: AsyncIterable<BuiltFile>,
): Promise<Omit<Built, 'notFollowed'>> {
  const read: ReadFile[] = []
  let files = 0
  for await (const file of built) {
    files++
    const items = await embeddedIn(file)
    if (items.length) read.push({ name: file.name, isCode: isCode(file.name), items })
  }
  const broken = read.flatMap(({ name, items }) =>
    items.flatMap((one) => (one.what === 'malformed' ? [{ file: name, reason: one.reason }] : [])),
  )
  return { files, ...assemble(read), broken }
}

function published<T extends { blobs: string[]; digest?: string }>(one: T) {
  const { digest: _, blobs: _blobs, ...facts } = one
  return facts
}

const agreement = (path: string, found: Difference[]) => ({
  path,
  agrees: !found.length,
  differences: found,
})

/** Larger files keep what a minifier made constants of without its name: parsing takes memory. */
const LARGEST_PARSED = 4 * 1024 * 1024

async function embeddedIn(file: BuiltFile) {
  const { items, hasLooseToken, hasLooseKey } = await findEmbedded(file.content())
  const lacksBlobs = !items.some(({ what }) => what === 'pair' || what === 'direct')
  const hasConstants = hasLooseToken || (hasLooseKey && lacksBlobs)
  if (!isCode(file.name) || file.size > LARGEST_PARSED || !hasConstants) return items
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
