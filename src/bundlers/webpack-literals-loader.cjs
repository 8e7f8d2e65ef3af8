const { callbackify } = require('node:util')

/**
 * Masks the plaintext literals of a module. In another thread (thread-loader), options can only be JSON,
 * so the function is imported.
 *
 * @this {{
 *   async(): (error: unknown, code?: string, map?: unknown) => void,
 *   cacheable(flag: boolean): void,
 *   getOptions(): { maskLiterals?: typeof maskHere },
 *   resourcePath: string,
 * }}
 * @param {string} code
 * @param {unknown} map
 */
module.exports = function mask(code, map) {
  const done = this.async()
  this.cacheable(false)
  const { maskLiterals = maskHere } = this.getOptions()
  callbackify(async () => maskLiterals(code, this.resourcePath))((error, masked) =>
    done(error, masked?.code ?? code, masked ? masked.map : map),
  )
}

/** @type {(code: string, file: string) => Promise<{ code: string, map: unknown } | null>} */
async function maskHere(code, file) {
  const { maskLiterals } = await import('../pipeline/emit/mask.js')
  return maskLiterals(code, file)
}
