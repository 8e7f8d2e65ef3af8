import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundle } from './program.js'
import { run, start, type RunOptions } from './run.js'
import type { Settings } from '../src/decrypt.js'
import { CONTEXT, HASTY, PATIENT, useKms } from './world.js'

// The unwrap blocks its thread, so each program is a process of its own: the embedded KMS runs in this one.
const world = useKms()

/** Bundles a CommonJS program in which `pair(token, label, as)` opens `tokens`, one per plaintext. */
async function program(
  code: string,
  plaintexts: (string | { bytes: string } | { named: string })[] = ['hunter2'],
  settings: Settings = PATIENT,
) {
  const pair = await world.pair()
  const tokens = []
  for (const one of plaintexts) {
    if (typeof one === 'string') tokens.push(await pair.seal(one))
    else if ('bytes' in one) tokens.push(await pair.seal(one.bytes, { kind: 3 }))
    else tokens.push(await pair.seal(one.named, { kind: 2, name: 'NAMED' }))
  }
  const constants = [[pair.wrapped], CONTEXT, settings].map((value) => JSON.stringify(value))
  const source = `import { directSync, envelopeSync } from './sync.mjs'
const args = [${constants.join(', ')}]
const tokens = ${JSON.stringify(tokens)}
const pair = envelopeSync(...args)
${code}`
  return (await bundle(source, '', 'cjs')).file
}

const ended = (file: string, options?: RunOptions) => run(file, { env: world.kms.env, ...options })
const PRINT = `console.log(pair(tokens[0], 'DB'))`
const OPENED = { code: 0, output: 'hunter2\n', errors: '' }

describe('a secret that is read synchronously', () => {
  it('is a plain value, and all secrets of a pair need one Decrypt', async () => {
    const file = await program(
      `console.log(pair(tokens[0], 'DB'), pair(tokens[1], 'NAMED'), pair(tokens[2], 'C', 'json'), pair(tokens[3], 'P', 'bytes'))`,
      ['hunter2', { named: 'pässword' }, '{"a":[1]}', { bytes: 'abc' }],
    )
    expect(await ended(file)).toEqual({
      code: 0,
      output: 'hunter2 pässword { a: [ 1 ] } Uint8Array(3) [ 97, 98, 99 ]\n',
      errors: '',
    })
    expect(world.decrypts).toMatchObject([{ encryptionContext: CONTEXT, outcome: 'Success' }])
  })

  it('may have a ciphertext of its own', async () => {
    const wrapped = [await world.encrypt('hunter2')]
    const file = await program(
      `console.log(directSync(${JSON.stringify(wrapped)}, args[1], 'DB'))
console.log(directSync(${JSON.stringify(wrapped)}, args[1], 'DB', undefined, args[2]))`,
    )
    expect(await ended(file)).toEqual({ ...OPENED, output: 'hunter2\nhunter2\n' })
  })

  it('is opened inside vm, as under Jest', async () => {
    const inner = await program(`globalThis.value = pair(tokens[0], 'DB')`)
    const folder = mkdtempSync(join(tmpdir(), 'vm-'))
    const file = join(folder, 'outer.cjs')
    writeFileSync(
      file,
      `const { createContext, Script } = require('node:vm')
const context = createContext({ process, Buffer, URL, AbortSignal, require })
new Script(${JSON.stringify(readFileSync(inner, 'utf8'))}).runInContext(context)
console.log(context.value)`,
    )
    expect(await ended(file)).toEqual(OPENED)
  })

  it('is opened inside a worker thread', async () => {
    const inner = await program(
      `require('node:worker_threads').parentPort.postMessage(pair(tokens[0], 'DB'))`,
    )
    const file = join(mkdtempSync(join(tmpdir(), 'worker-')), 'outer.cjs')
    writeFileSync(
      file,
      `new (require('node:worker_threads').Worker)(${JSON.stringify(inner)}).on('message', console.log)`,
    )
    expect(await ended(file)).toEqual(OPENED)
  })

  it('is opened in an ES module', async () => {
    const cjs = await program(PRINT)
    const esm = cjs.replace(/cjs$/, 'mjs')
    const { createRequire } = await import('node:module')
    expect(createRequire(cjs)).toBeTypeOf('function')
    writeFileSync(
      esm,
      `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n${readFileSync(cjs, 'utf8')}`,
    )
    expect(await ended(esm)).toEqual(OPENED)
  })

  it('is opened with the environment as it is at the call', async () => {
    const file = await program(
      `process.env.AWS_ENDPOINT_URL_KMS = ${JSON.stringify(world.kms.url)}\n${PRINT}`,
    )
    const env = { ...world.kms.env, AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1' }
    expect(await ended(file, { env })).toEqual(OPENED)
  })

  it('does not run preloaded modules again', async () => {
    const preload = join(mkdtempSync(join(tmpdir(), 'preload-')), 'preload.cjs')
    writeFileSync(preload, `console.log('preloaded')`)
    const file = await program(PRINT)
    const expected = { ...OPENED, output: 'preloaded\nhunter2\n' }
    expect(await ended(file, { args: ['--require', preload] })).toEqual(expected)
    const env = { ...world.kms.env, NODE_OPTIONS: `--require ${preload}` }
    expect(await ended(file, { env })).toEqual(expected)
  })

  it('is opened by a process that is frozen meanwhile', async () => {
    const hang = world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
    const file = await program(PRINT, ['hunter2'], {
      attemptTimeoutMs: 2000,
      deadlineMs: 2100,
      maxAttempts: 1,
    })
    const { child, ended: end } = start(file, { env: world.kms.env })
    await expect.poll(() => hang.strikes).toBe(1)
    child.kill('SIGSTOP')
    // The freeze itself: nothing else can make a process's clock pass.
    await new Promise((resolve) => setTimeout(resolve, 4000))
    hang.remove()
    child.kill('SIGCONT')
    expect(await end).toEqual(OPENED)
  })
})

describe('a secret that cannot be read synchronously', () => {
  const TRY = `try { ${PRINT} } catch (error) { console.log(error.name, error.code, error.secret, error.kmsError) }\n`

  it('throws at the call, and the next call tries again', async () => {
    world.kms.faults.add({
      kind: 'error',
      type: 'DisabledException',
      operation: 'Decrypt',
      times: 1,
    })
    const file = await program(TRY + TRY)
    expect(await ended(file)).toEqual({
      ...OPENED,
      output: 'KmsSecretError KMS_FAILED DB DisabledException\nhunter2\n',
    })
  })

  it('throws when its module is required, and is opened when that is required again', async () => {
    world.kms.faults.add({
      kind: 'error',
      type: 'DisabledException',
      operation: 'Decrypt',
      times: 1,
    })
    const inner = await program(`export const value = pair(tokens[0], 'DB')`)
    const file = join(mkdtempSync(join(tmpdir(), 'require-')), 'outer.cjs')
    writeFileSync(
      file,
      `try { require(${JSON.stringify(inner)}) } catch ({ code }) { console.log(code) }
console.log(require(${JSON.stringify(inner)}).value)`,
    )
    expect(await ended(file)).toEqual({ ...OPENED, output: 'KMS_FAILED\nhunter2\n' })
  })

  it('retries faults that may pass', async () => {
    world.kms.faults.add({ kind: 'throttle', operation: 'Decrypt', times: 1 })
    expect(await ended(await program(PRINT))).toEqual(OPENED)
    expect(world.decrypts).toHaveLength(2)
  })

  it('fails by the deadline when KMS does not answer, and the process ends by itself', async () => {
    world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
    const file = await program(TRY, ['hunter2'], HASTY)
    expect(await ended(file)).toEqual({
      ...OPENED,
      output: 'KmsSecretError KMS_UNREACHABLE DB undefined\n',
    })
  })

  it('reports an altered token, another pair and another form', async () => {
    const file = await program(
      `for (const [token, as] of [[tokens[0].replace(/.$/, (last) => (last === 'A' ? 'E' : 'A'))], [tokens[0], 'json'], [tokens[1]]]) {
  try { console.log(pair(token, 'DB', as)) } catch ({ code, message }) { console.log(code, message) }
}`,
      ['hunter2-hunter2', { named: 'other' }],
    )
    const { output } = await ended(file)
    expect(
      output.match(/^OPEN_FAILED DB: altered, renamed or not (text|json) \[OPEN_FAILED]$/gm),
    ).toHaveLength(3)
    expect(output).not.toContain('hunter')
  })

  it('reports that configure({ credentials }) and configure({ agent }) have no effect', async () => {
    const index = JSON.stringify(new URL('../src/index.ts', import.meta.url).pathname)
    for (const [option, code] of [
      ['credentials', 'CREDENTIALS_MISSING'],
      ['agent', 'KMS_UNREACHABLE'],
    ]) {
      const file = await program(
        `require(${index}).configure({ ${option}: () => {} })\ntry { ${PRINT} } catch (error) { console.log(error.message) }`,
      )
      expect((await ended(file)).output).toBe(
        `DB: configure({ ${option} }) has no effect on secrets that are read synchronously [${code}]\n`,
      )
    }
  })

  it('reports a process that may not start worker threads', async (context) => {
    const [major] = process.versions.node.split('.').map(Number)
    context.skip(major! < 22, 'the permission model of Node 20 has other flags')
    const file = await program(`try { ${PRINT} } catch ({ message }) { console.log(message) }`)
    const args = [major! < 24 ? '--experimental-permission' : '--permission', '--allow-fs-read=*']
    const { output } = await ended(file, { args })
    expect(output).toMatch(/^DB: .*permission.*\[KMS_UNREACHABLE]$/m)
  })
})
