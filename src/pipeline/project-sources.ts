import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { looksLikeToken } from '../crypto/token.js'
import { entersSources, walkFiles } from '../util/walk.js'
import { collect } from './collect/collect.js'
import { MARKER, nameOf, type Mark } from './collect/mark.js'
import { projectOf } from './leak-check/build-command.js'
import type { Seen } from './leak-check/parts.js'
import { fromEnv } from './resolve/env.js'
import { fromFile } from './resolve/file.js'
import { plaintextOf } from './resolve/plaintext.js'
import type { Sources } from './resolve/types.js'

/** The values of a project's marks, as far as a command can read them without AWS. */
export interface ProjectSecrets {
  plaintexts: Seen[]
  /** Names of secrets whose values only the build that seals them reads. */
  unread: string[]
}

export const NO_SECRETS: ProjectSecrets = { plaintexts: [], unread: [] }

/**
 * Reads the marks in all source files of a project. A browser's bundle that is built by a command of
 * its own has none of them, but must not contain their values.
 *
 * @param folder in the project: the nearest package.json is its root.
 * @param env the first that has a variable counts.
 */
export async function secretsOfProject(
  folder: string,
  includes: (path: string) => boolean,
  fromRoot: (path: string) => string,
  env: Sources['env'][],
): Promise<ProjectSecrets> {
  const root = projectOf(folder)
  if (root === dirname(root) || root === resolve(homedir())) return NO_SECRETS
  const plaintexts: Seen[] = []
  const unread = new Set<string>()
  const walk = walkFiles(root, { enters: entersSources, onLink: () => {}, skipUnreadable: true })
  for await (const path of walk) {
    if (!includes(path)) continue
    for (const mark of marksOf(await readFile(path), fromRoot(path))) {
      const plaintext = await valueOf(mark, path, env)
      if (plaintext === 'unread') unread.add(nameOf(mark))
      else if (plaintext)
        plaintexts.push({ name: nameOf(mark), plaintext, json: mark.format === 'json' })
    }
  }
  return { plaintexts, unread: [...unread] }
}

/** The build that seals the module reports what is wrong with it. */
function marksOf(content: Buffer, file: string): Mark[] {
  if (!content.includes(MARKER)) return []
  try {
    return collect(content.toString(), file)?.marks ?? []
  } catch {
    return []
  }
}

/** Returns undefined for ciphertext, whose plaintext no build reads. */
async function valueOf(
  mark: Mark,
  path: string,
  env: Sources['env'][],
): Promise<Uint8Array | 'unread' | undefined> {
  const { source, argument, options } = mark
  try {
    if (source === 'literal')
      return looksLikeToken(argument) ? undefined : plaintextOf(mark, argument).plaintext
    if (source === 'env') return firstOf(mark, env)
    if (source === 'file') return (await fromFile(mark, path)).plaintext
  } catch {
    return 'unread'
  }
  const isCiphertext =
    source === 'named' || source === 'ciphertext' || (source === 'ssm' && !options.decrypt)
  return isCiphertext ? undefined : 'unread'
}

function firstOf(mark: Mark, env: Sources['env'][]): Uint8Array | 'unread' {
  const one = env.find((variables) => typeof variables[mark.argument] === 'string')
  return one ? fromEnv(mark, { env: one }).plaintext : 'unread'
}
