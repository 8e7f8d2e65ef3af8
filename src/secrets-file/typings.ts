import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceFile } from '../util/replace-file.js'
import type { SecretsFile } from './parse.js'

/** `kms-secrets.d.ts` for `kms-secrets.json`. */
const typesPath = (secretsFile: string) => `${secretsFile.replace(/\.json$/, '')}.d.ts`

/** The declaration by which `secret.named` knows the names of the secrets file. */
export function declaration(names: Iterable<string>): string {
  const members = [...names].sort().map((name) => `    ${JSON.stringify(name)}: true\n`)
  return (
    '// Kept up to date by unplugin-kms. Delete it, and secret.named takes any name.\n' +
    "import 'unplugin-kms/secret'\n\n" +
    "declare module 'unplugin-kms/secret' {\n  interface SecretNames {\n" +
    `${members.join('')}  }\n}\n`
  )
}

/**
 * Brings the declaration up to date where there is one; who deletes it has opted out. One that is up
 * to date is not written again, so that nothing that watches it is woken.
 *
 * @returns warnings: that it cannot be written, which stops nobody.
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
  try {
    await replaceFile(target, wanted)
    return []
  } catch {
    return [
      `${target} cannot be written, and does not say which names there are now. Make it writable, or delete it to opt out.`,
    ]
  }
}

/** Makes the declaration, where the file belongs to a TypeScript project. */
export async function createTypes({ path, secrets }: SecretsFile): Promise<string | undefined> {
  if (!isTypeScriptProject(dirname(path))) return undefined
  await replaceFile(typesPath(path), declaration(secrets.keys()))
  return typesPath(path)
}

function isTypeScriptProject(folder: string): boolean {
  if (existsSync(join(folder, 'tsconfig.json'))) return true
  const parent = dirname(folder)
  return parent !== folder && !existsSync(join(folder, '.git')) && isTypeScriptProject(parent)
}
