import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { entersSources, filesBelow } from '../util/walk.js'

/**
 * Returns the secrets files of the project that a folder belongs to: of its package, without nested
 * packages. If there are several, each is the file of one stage.
 */
export async function secretsFilesOfProject(folder: string): Promise<string[]> {
  return secretsFilesIn(projectRoot(folder))
}

function projectRoot(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) || existsSync(join(at, '.git'))) return at
    if (at === dirname(at)) return folder
  }
}

async function secretsFilesIn(folder: string): Promise<string[]> {
  const enters = (name: string, path: string) =>
    entersSources(name) && !existsSync(join(path, 'package.json'))
  const files = await filesBelow(folder, { enters, onLink: () => {}, skipUnreadable: true })
  const candidates = files.filter((file) => file.endsWith('.json'))
  const isMatch = await Promise.all(candidates.map(isSecretsFile))
  return candidates.filter((_, index) => isMatch[index])
}

/** Checks whether a file looks like a secrets file. A malformed one counts too. */
async function isSecretsFile(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.includes('"dataKeyPairs"') && text.includes('"privateKeyCiphertextBlobs"')
}
