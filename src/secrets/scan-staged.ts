import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { collect } from '../pipeline/collect/collect.js'
import { plaintextLiterals } from '../pipeline/collect/literals.js'
import { MARKER } from '../pipeline/collect/mark.js'
import { examine, searchFor, unsearched, type Asset } from '../pipeline/leak-check/examine.js'
import { git, gitBytes } from '../util/git.js'
import { searchOptionsOf, seenValues, type ScanResult, type ScanOptions } from './scan.js'

export interface StagedScanResult extends ScanResult {
  /** Plaintext literals, as `file:line:column`. */
  literals: string[]
}

const SOURCE = /(?<!\.d)\.[cm]?[jt]sx?$/
/** dotenv files, except examples and templates, which contain no secrets. */
const DOTENV = /^\.env(?!.*\.(?:example|sample|template|schema)$)/

/**
 * Searches staged files for plaintext literals, and for the values of dotenv files: those in the root
 * of the repository, or those that the options name. Needs AWS only if the options name a secrets file.
 *
 * @throws KmsBuildError ARGUMENT_INVALID outside a git repository, and the errors of `scanFolder`.
 */
export async function scanStaged(options: ScanOptions = {}): Promise<StagedScanResult> {
  const root = (await git('.', ['rev-parse', '--show-toplevel']))?.trim()
  if (!root)
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      'this folder is not in a git repository, so nothing is staged.',
    )
  const search = searchOptionsOf(options)
  const envFiles =
    options.envFiles ??
    (await readdir(root)).filter((name) => DOTENV.test(name)).map((name) => join(root, name))
  const seen = await seenValues({ ...options, secretsFile: options.secretsFile ?? false, envFiles })
  const staged = await stagedFiles(root)
  const { short, searched } = unsearched(seen, search)
  const { leaks } = examine(staged, searchFor(seen, search))
  return {
    files: staged.length,
    searched: searched.length,
    short: short.map(({ name }) => name),
    leaks,
    leftovers: [],
    literals: staged.flatMap(literalsIn),
  }
}

/** Reads the staged content, which may differ from that of the working tree. */
async function stagedFiles(root: string): Promise<Asset[]> {
  const names = await git(root, ['diff', '--cached', '--name-only', '-z', '--diff-filter=ACMR'])
  const files: Asset[] = []
  for (const name of (names ?? '').split('\0').filter(Boolean)) {
    const content = await gitBytes(root, ['show', `:${name}`])
    if (content) files.push({ name, content })
  }
  return files
}

function literalsIn({ name, content }: Asset): string[] {
  const code = typeof content === 'string' ? content : Buffer.from(content).toString()
  if (!SOURCE.test(name) || !code.includes(MARKER)) return []
  const { marks = [], commented = [] } = collect(code, name) ?? {}
  return [...plaintextLiterals(marks), ...commented].map(
    ({ place }) => `${place.file}:${place.line}:${place.column}`,
  )
}
