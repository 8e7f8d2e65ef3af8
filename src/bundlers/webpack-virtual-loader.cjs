/** Returns the code of a module that exists only in the build. This file is its resource on disk. */
module.exports = function load() {
  const done = this.async()
  this.cacheable(false)
  this.getOptions()
    .load(this)
    // oxlint-disable-next-line promise/no-callback-in-promise -- the API of webpack's loaders
    .then((code) => done(null, code), done)
}
