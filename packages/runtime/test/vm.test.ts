import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContext, Script } from 'node:vm'
import { expect, it, vi } from 'vitest'
import { bundle, pairModule } from './program.js'
import { CONTEXT, PATIENT, useKms } from './world.js'

const world = useKms()

/** Runs a CommonJS bundle as Jest does: in a context of its own, without a callback for `import()`. */
function requireInContext(file: string): any {
  const globals = { process, Buffer, URL, AbortSignal, setTimeout, clearTimeout, console }
  const wrapper = `(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})`
  const module = { exports: {} }
  new Script(wrapper, { filename: file })
    .runInContext(createContext(globals))
    .call(module.exports, module, module.exports, createRequire(file))
  return module.exports
}

it('opens a secret inside vm, from a plain http endpoint', async () => {
  const { wrapped, seal } = await world.pair()
  const token = JSON.stringify(await seal('hunter2'))
  const { file } = await bundle(
    `import { pair } from './pair.mjs'\nexport const read = async () => await pair(${token}, 'DB')`,
    pairModule([wrapped], PATIENT),
    'cjs',
  )
  expect(await requireInContext(file).read()).toBe('hunter2')
})

it('reads the token file of container credentials inside vm', async () => {
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'token-')), 'token')
  writeFileSync(tokenFile, 'secret token\n')
  const authorizations: unknown[] = []
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization)
    const { accessKeyId, secretAccessKey } = world.kms.admin.credentials
    response.end(JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const wrapped = await world.encrypt('hunter2')
  vi.stubEnv('AWS_ACCESS_KEY_ID', '')
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `http://127.0.0.1:${port}`)
  vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', tokenFile)
  const { file } = await bundle(
    `import { direct } from './shim.mjs'
export const read = async () => await direct(${JSON.stringify([wrapped])}, ${JSON.stringify(CONTEXT)}, 'DB')`,
    '',
    'cjs',
  )
  expect(await requireInContext(file).read()).toBe('hunter2')
  vi.unstubAllEnvs()
  server.close()
  expect(authorizations).toEqual(['secret token'])
})
