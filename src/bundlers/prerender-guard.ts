/** Set in the process of a framework's build. Pages are prerendered there, or in its child processes. */
export const PRERENDERING = 'UNPLUGIN_KMS_PRERENDERING'

/** Why a secret is not opened during a build, and what to do. */
export const PRERENDERED =
  'is awaited while pages are prerendered, so the page would contain it. Render the page per request, or use the value of the build itself there (process.env)'

const EXPORTS = /export\s*\{\s*(\w+) as direct\s*,\s*(\w+) as envelope\s*\};?\s*$/

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
const kmsPrerenders = globalThis.process.env.${PRERENDERING} === '1';
const kmsRefused = (name) => Object.create(Promise.prototype, {
  then: { value: (ok, failed) => Promise.reject(new Error('secret ' + name + ${JSON.stringify(` ${PRERENDERED}. [PRERENDERED]`)})).then(ok, failed) },
});
const kmsEnvelope = (...pair) => kmsPrerenders ? (_, name) => kmsRefused(name) : ${envelope}(...pair);
const kmsDirect = (...secret) => kmsPrerenders ? kmsRefused(secret[2]) : ${direct}(...secret);
export { kmsDirect as direct, kmsEnvelope as envelope };
`
}
