import { readFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { tokenPrefixes } from '../crypto/token.js'
import { editSecretsFile, type EditResult } from '../secrets-file/edit.js'
import type { SecretsOptions } from '../secrets-file/locate.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { isStale } from '../secrets-file/scopes.js'
import { git } from '../util/git.js'
import { walkFiles } from '../util/walk.js'

export interface PruneOptions extends SecretsOptions {
  /** Files and folders that may contain sealed literals. Default: the working directory. */
  paths?: string[]
  /** Whether tokens in git branches count as uses. Default: true. */
  branches?: boolean
  /** Deployed functions that need a pair, by its fingerprint. The key '' is for every pair. */
  deployed?: Map<string, string[]>
}

export interface PruneResult {
  /** The fingerprints of the pairs that were dropped. */
  dropped: string[]
  /** The pairs that were kept, with their uses: entries, files, branches, functions. */
  kept: { fingerprint: string; uses: string[] }[]
}

/**
 * Drops earlier data key pairs that are unused: by entries, by files in the paths, and by files of
 * local and remote-tracking git branches. Needs no AWS.
 *
 * @throws KmsBuildError the errors of `editSecretsFile`.
 */
export async function prunePairs(options: PruneOptions = {}): Promise<EditResult<PruneResult>> {
  const { paths = ['.'], branches = true, deployed } = options
  const edited = await editSecretsFile(options, 'check', async (file) => {
    const dropped: string[] = []
    const kept: PruneResult['kept'] = []
    for (const pair of file.pairs.values()) {
      if (!isStale(file, pair)) continue
      const { fingerprint } = pair
      const uses = [
        ...usesInEntries(file, fingerprint),
        ...(await usesInFiles(paths, file.path, fingerprint)),
        ...(branches ? await usesInBranches(dirname(file.path), fingerprint) : []),
        ...(deployed?.get(fingerprint) ?? []),
        ...(deployed?.get('') ?? []),
      ]
      if (uses.length) kept.push({ fingerprint, uses })
      else dropped.push(fingerprint)
    }
    for (const fingerprint of dropped) file.pairs.delete(fingerprint)
    return { dropped, kept }
  })
  return edited
}

function usesInEntries({ secrets }: SecretsFile, fingerprint: string): string[] {
  return [...secrets].flatMap(([name, token]) =>
    token.fingerprint === fingerprint ? [`entry ${name}`] : [],
  )
}

const isSourceFolder = (name: string) => name !== 'node_modules' && name !== '.git'

async function usesInFiles(
  paths: string[],
  secretsFile: string,
  fingerprint: string,
): Promise<string[]> {
  const prefixes = tokenPrefixes(fingerprint)
  const uses: string[] = []
  for (const path of paths) {
    for await (const file of walkFiles(path, { enters: isSourceFolder, onLink: () => {} })) {
      if (relative(secretsFile, file) === '') continue
      const content = await readFile(file).catch(() => null)
      if (content && prefixes.some((prefix) => content.includes(prefix))) uses.push(file)
    }
  }
  return uses
}

async function usesInBranches(folder: string, fingerprint: string): Promise<string[]> {
  const listed = await git(folder, [
    'for-each-ref',
    '--format=%(objectname) %(refname:short)',
    'refs/heads',
    'refs/remotes',
  ])
  // One search per commit: branches often share their tip.
  const branches = new Map(
    (listed ?? '')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ') as [string, string]),
  )
  if (!branches.size) return []
  const patterns = tokenPrefixes(fingerprint).flatMap((prefix) => ['-e', prefix])
  const found = await git(folder, [
    'grep',
    '-lF',
    '--full-name',
    ...patterns,
    ...branches.keys(),
    '--',
    ':/',
  ])
  return (found ?? '')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const at = line.indexOf(':')
      return `branch ${branches.get(line.slice(0, at))}: ${line.slice(at + 1)}`
    })
}
