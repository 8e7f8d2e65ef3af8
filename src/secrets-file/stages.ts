import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * The secrets files of the project that a folder belongs to: the package around it, without the
 * packages inside it. More than one = one a stage.
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
          entry.name.startsWith('../secrets') ||
          existsSync(join(path, 'package.json'))
        return foreign ? [] : secretsFilesIn(path)
      }
      return entry.name.endsWith('.json') && (await isSecretsFile(path)) ? [path] : []
    }),
  )
  return found.flat().sort()
}

/** A broken one counts too: it is a stage all the same. */
async function isSecretsFile(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.includes('"dataKeyPairs"') && text.includes('"privateKeyCiphertextBlobs"')
}
