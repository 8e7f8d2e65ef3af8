/** A version of Node.js; the minor one if a target names it. */
type NodeVersion = [major: number, minor: number | undefined]

/**
 * Returns the lowest version of Node.js among the targets of a bundler, as esbuild (`node22`,
 * `node24.7`), Rolldown and webpack (`async-node22`) write them; undefined if none names one.
 */
export function lowestNode(targets: unknown): NodeVersion | undefined {
  const versions = [targets].flat().flatMap((target): NodeVersion[] => {
    if (typeof target !== 'string') return []
    return target.split(',').flatMap((one): NodeVersion[] => {
      const [, major, minor] = /^(?:async-)?node(\d+)(?:\.(\d+))?/i.exec(one.trim()) ?? []
      return major ? [[Number(major), minor === undefined ? undefined : Number(minor)]] : []
    })
  })
  return versions.sort(([a, b = 0], [c, d = 0]) => a - c || b - d)[0]
}

/** Returns whether a target is certainly a Node.js without ML-KEM, which 24.7 has. */
export const lacksMlKem = ([major, minor]: NodeVersion): boolean =>
  major < 24 || (major === 24 && minor !== undefined && minor < 7)
