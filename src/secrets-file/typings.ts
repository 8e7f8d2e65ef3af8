import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { KmsBuildError } from '../errors.js'
import { replaceFile } from '../util/replace-file.js'
import type { SecretsFile } from './parse.js'

/** `kms-secrets.d.ts` for `kms-secrets.json`. */
const typesPath = (secretsFile: string) => `${secretsFile.replace(/\.json$/, '')}.d.ts`

/** Returns the declaration of the names of the secrets file, for `secret.named`. */
export function declaration(names: Iterable<string>): string {
  const members = [...names].sort().map((name) => `    ${JSON.stringify(name)}: true\n`)
  return (
    '// Kept up to date by unplugin-kms. If you delete it, secret.named accepts any name.\n' +
    "import 'unplugin-kms/secret'\n\n" +
    "declare module 'unplugin-kms/secret' {\n  interface SecretNames {\n" +
    `${members.join('')}  }\n}\n`
  )
}

/**
 * Updates the declaration if there is one; deleting it opts out. One that is up to date is not written
 * again, so that it triggers no watcher. One that is a link out of the folder is never written.
 *
 * @returns warnings: that it could not be written, which fails no command.
 */
export async function updateTypes({
  path,
  secrets,
}: {
  path: string
  secrets: Map<string, unknown>
}): Promise<string[]> {
  const target = typesPath(path)
  const present = await readFile(target, 'utf8').catch(() => null)
  const wanted = declaration(secrets.keys())
  if (present === null || present === wanted) return []
  return writeTypes(target, wanted)
}

/** Creates the declaration if the file belongs to a TypeScript project. */
export async function createTypes({
  path,
  secrets,
}: SecretsFile): Promise<{ path?: string; warnings: string[] }> {
  const target = typesPath(path)
  if (!isTypeScriptProject(dirname(path))) return { warnings: [] }
  const warnings = await writeTypes(target, declaration(secrets.keys()))
  return warnings.length ? { warnings } : { path: target, warnings }
}

async function writeTypes(target: string, text: string): Promise<string[]> {
  try {
    await replaceFile(target, text)
    return []
  } catch (error) {
    return [
      `${target} cannot be written, so TypeScript does not know the present names; to opt out, delete it. ${(error as KmsBuildError).message}`,
    ]
  }
}

function isTypeScriptProject(folder: string): boolean {
  if (existsSync(join(folder, 'tsconfig.json'))) return true
  const parent = dirname(folder)
  return parent !== folder && !existsSync(join(folder, '.git')) && isTypeScriptProject(parent)
}
