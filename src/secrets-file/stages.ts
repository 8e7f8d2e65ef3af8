import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

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
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        const foreign =
          entry.name === 'node_modules' ||
          entry.name.startsWith('.') ||
          existsSync(join(path, 'package.json'))
        return foreign ? [] : secretsFilesIn(path)
      }
      return entry.name.endsWith('.json') && (await isSecretsFile(path)) ? [path] : []
    }),
  )
  return found.flat().sort()
}

/** Checks whether a file looks like a secrets file. A malformed one counts too. */
async function isSecretsFile(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.includes('"dataKeyPairs"') && text.includes('"privateKeyCiphertextBlobs"')
}
