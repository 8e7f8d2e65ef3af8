/**
 * Returns a plugin for the export "module.exports", which is the result of `require()`. The plugin has
 * itself as `default`, for callers of `require('unplugin-kms/webpack').default`.
 */
export const callable = <F extends (...args: never[]) => unknown>(plugin: F): F =>
  Object.defineProperty(plugin, 'default', { value: plugin })
