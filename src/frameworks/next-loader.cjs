const { request } = require('node:http')

/**
 * Transforms a module with marks, for webpack and Turbopack. The work is done by the session of the
 * process that read next.config: all loader workers share it.
 */
module.exports = function load(code) {
  const { marker, ...options } = this.getOptions()
  if (!code.includes(marker)) return code
  // A changed value must be sealed again, whatever the bundler has in its cache.
  this.cacheable?.(false)
  const finish = this.async()
  return void transform(this, code, options).then((answer) => finish(...answer), finish)
}

async function transform(context, code, options) {
  const { result, watched, error } = await ask({ code, id: context.resourcePath, ...options })
  for (const file of watched) context.addDependency(file)
  if (error) throw withoutStack(error)
  return [null, result ? result.code : code, result?.map]
}

/** The trace would show this loader's own lines. */
function withoutStack(message) {
  const error = new Error(message)
  error.stack = message
  return error
}

function ask({ socket, token, ...body }) {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: socket, method: 'POST', headers: { token } },
      (response) => {
        const parts = []
        response.on('data', (part) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          try {
            resolve(JSON.parse(Buffer.concat(parts).toString()))
          } catch (error) {
            reject(error)
          }
        })
      },
    )
    asked.on('error', reject)
    asked.end(JSON.stringify(body))
  })
}
