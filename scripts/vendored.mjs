/**
 * Packages that are files of their own in dist/vendor. Modules load them with `require` when they are
 * needed, which takes less time than loading them with every plugin.
 */
export const VENDORED = ['@babel/parser', '@babel/traverse', 'dotenv', 'entities/decode']

/** Returns the name of a package's file in dist/vendor, without its extension. */
export const vendoredName = (name) => name.replace('@', '').replace('/', '-')
