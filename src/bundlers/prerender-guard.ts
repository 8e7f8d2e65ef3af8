import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { printable } from '../printable.js'
import type { BuildSession } from '../pipeline/session.js'
import { ML_KEM_ID, SHIM_ID } from './virtual.js'

/**
 * Set in the process of a framework's build to the file that lists the secrets awaited there. Pages
 * are prerendered in that process, its threads or its child processes.
 */
export const PRERENDERING = 'UNPLUGIN_KMS_PRERENDERING'

/** Why a secret is not decrypted during a build, and what to do. */
const PRERENDERED =
  'awaited while pages are prerendered, so the page would contain it. Render the page per request, or use the value of the build itself there (process.env)'

/**
 * Rejects secrets that are awaited from now on in this process and its children, and fails the
 * process at its end if there were any, because some frameworks write or omit the pages and continue.
 */
export function guardPrerendering({ environment }: BuildSession): void {
  environment.skipWhere(PRERENDERING)
  if (process.env[PRERENDERING]) return
  const folder = mkdtempSync(join(tmpdir(), 'unplugin-kms-'))
  const file = join(folder, 'prerendered')
  process.env[PRERENDERING] = file
  process.once('exit', (code) => {
    const names = awaitedIn(file)
    rmSync(folder, { recursive: true, force: true })
    if (code || !names.length) return
    console.error(
      printable(
        `unplugin-kms: secret${names.length > 1 ? 's' : ''} ${names.join(', ')}: ${PRERENDERED}. The output is not complete. [PRERENDERED]`,
      ),
    )
    process.exitCode = 1
  })
}

function awaitedIn(file: string): string[] {
  try {
    return [...new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean))].sort()
  } catch {
    return []
  }
}

/** The modules of a bundle that call KMS. */
const GUARDED = new Set([SHIM_ID, ML_KEM_ID])

const EXPORTS = /export\s*\{([^}]*)\};?\s*$/

/**
 * Makes the shim reject secrets that a framework awaits while it prerenders pages. A framework also
 * loads the server's modules during a build, to read their settings: KMS is not called then.
 *
 * @param id of a module that exists only in the build.
 */
export function withPrerenderGuard(id: string, code: string): string {
  if (!GUARDED.has(id)) return code
  const [statement, list = ''] = EXPORTS.exec(code) ?? []
  const exports = list.split(',').map((item) => item.trim().split(/\s+as\s+/))
  const localOf = new Map(exports.map(([local, exported = local]) => [exported, local]))
  if (!statement || !localOf.has('envelope')) throw new Error('the shim has no export envelope')
  const names = [...localOf].map(([exported, local]) => {
    const guarded = exported && exported in GUARDS ? `kms_${exported}` : local
    return `${guarded} as ${exported}`
  })
  const guards = Object.entries(GUARDS).flatMap(([exported, guard]) => {
    const local = localOf.get(exported)
    return local ? [`const kms_${exported} = ${guard(local)};\n`] : []
  })
  return `${code.slice(0, -statement.length)}\n${refused()}${guards.join('')}export { ${names.join(', ')} };\n`
}

/** The code of the exports that open secrets. */
const GUARDS: Record<string, (local: string) => string> = {
  envelope: (local) =>
    `(...pair) => kmsPrerenders ? (_, name) => kmsRefused(name) : ${local}(...pair)`,
  direct: (local) => `(...secret) => kmsPrerenders ? kmsRefused(secret[2]) : ${local}(...secret)`,
}

/** The code of a promise that is rejected once it is awaited. */
const refused = () => `const kmsPrerenders = globalThis.process.env.${PRERENDERING};
const kmsRefuse = (name) => {
  globalThis.process.getBuiltinModule('node:fs').appendFileSync(kmsPrerenders, name + '\\n');
  return Promise.reject(new Error('secret ' + name + ${JSON.stringify(` is ${PRERENDERED}. [PRERENDERED]`)}));
};
const kmsRefused = (name) => Object.create(Promise.prototype, {
  then: { value: (ok, failed) => kmsRefuse(name).then(ok, failed) },
});
`
