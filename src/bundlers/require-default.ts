/**
 * Returns a plugin that `require()` returns as it is, as the export "module.exports" makes it, and
 * that has itself as `default` for callers of `require('unplugin-kms/webpack').default`.
 */
export const callable = <F extends (...args: never[]) => unknown>(plugin: F): F =>
  Object.defineProperty(plugin, 'default', { value: plugin })
