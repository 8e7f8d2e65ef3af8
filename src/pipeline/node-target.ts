/** A version of Node.js; the minor one if a target names it. */
type NodeVersion = [major: number, minor: number | undefined]

/** Returns the versions of Node.js that a target names. */
const versionsIn = (target: unknown): NodeVersion[] =>
  typeof target !== 'string'
    ? []
    : target.split(',').flatMap((one): NodeVersion[] => {
        const [, major, minor] =
          /^(?:async-)?node(?:js)? ?(\d+)(?:\.(\d+))?/i.exec(one.trim()) ?? []
        return major ? [[Number(major), minor === undefined ? undefined : Number(minor)]] : []
      })

/** Returns whether a version is certainly without ML-KEM, which Node.js 24.7 has. */
const lacksMlKem = ([major, minor]: NodeVersion): boolean =>
  major < 24 || (major === 24 && minor !== undefined && minor < 7)

/**
 * Returns the lowest Node.js that cannot open ML-KEM pairs among the targets of a bundler, as `node22`;
 * undefined if none names one. Targets are written as in esbuild (`node22`, `node24.6`), Rolldown, webpack
 * (`async-node22`), browserslist (`node 22.23.0`) and Lambda (`nodejs22.x`).
 */
export function nodeWithoutMlKem(targets: unknown): string | undefined {
  const [lowest] = [targets]
    .flat()
    .flatMap(versionsIn)
    .filter(lacksMlKem)
    .sort(([a, b = 0], [c, d = 0]) => a - c || b - d)
  return lowest && `node${lowest.filter((part) => part !== undefined).join('.')}`
}
