import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { printable } from '../printable.js'

/**
 * Set in the process of a framework's build to the file that lists the secrets awaited there. Pages
 * are prerendered in that process, its threads or its child processes.
 */
export const PRERENDERING = 'UNPLUGIN_KMS_PRERENDERING'

/** Why a secret is not opened during a build, and what to do. */
const PRERENDERED =
  'awaited while pages are prerendered, so the page would contain it. Render the page per request, or use the value of the build itself there (process.env)'

const EXPORTS = /export\s*\{\s*(\w+) as direct\s*,\s*(\w+) as envelope\s*\};?\s*$/

/**
 * Rejects secrets that are awaited from here on in this process and its children, and fails the
 * process at its end if any was: some frameworks write the pages, or leave them out, all the same.
 */
export function guardPrerendering(): void {
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

/**
 * Makes the shim reject secrets that a framework awaits while it prerenders pages. A framework also
 * loads the server's modules during a build, to read their settings: KMS is not called then.
 *
 * @param shim the code of the shim's module.
 */
export function withPrerenderGuard(shim: string): string {
  const [statement, direct, envelope] = EXPORTS.exec(shim) ?? []
  if (!statement) throw new Error('the shim has other exports than direct and envelope')
  return `${shim.slice(0, -statement.length)}
const kmsPrerenders = globalThis.process.env.${PRERENDERING};
const kmsRefuse = (name) => {
  globalThis.process.getBuiltinModule('node:fs').appendFileSync(kmsPrerenders, name + '\\n');
  return Promise.reject(new Error('secret ' + name + ${JSON.stringify(` is ${PRERENDERED}. [PRERENDERED]`)}));
};
const kmsRefused = (name) => Object.create(Promise.prototype, {
  then: { value: (ok, failed) => kmsRefuse(name).then(ok, failed) },
});
const kmsEnvelope = (...pair) => kmsPrerenders ? (_, name) => kmsRefused(name) : ${envelope}(...pair);
const kmsDirect = (...secret) => kmsPrerenders ? kmsRefused(secret[2]) : ${direct}(...secret);
export { kmsDirect as direct, kmsEnvelope as envelope };
`
}
