// A loader as people use for TypeScript in webpack: gives a map with the content of what it was given.
const { transform } = require('esbuild')

module.exports = function stripTypes(source, map) {
  const done = this.async()
  void transform(source, {
    loader: 'tsx',
    sourcemap: 'external',
    sourcefile: this.resourcePath,
    sourcesContent: true,
  }).then((result) => done(null, result.code, map ?? JSON.parse(result.map)), done)
}
