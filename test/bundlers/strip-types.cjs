// A loader as people use for TypeScript in webpack: joins its map to that of what it was given.
const { transform } = require('esbuild')

module.exports = function stripTypes(source, map) {
  const done = this.async()
  const text = JSON.stringify(map)
  const comment = map
    ? `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(text).toString('base64')}`
    : ''
  void transform(source + comment, {
    loader: 'tsx',
    sourcemap: 'external',
    sourcefile: this.resourcePath,
    sourcesContent: true,
  }).then((result) => done(null, result.code, JSON.parse(result.map)), done)
}
