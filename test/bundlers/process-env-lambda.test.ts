import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lambdaNode, startLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { project } from '../support/project.js'
import { bench, buildProject, decrypts, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const STRIPE_KEY = 'sk_live_planted-7Q'
const installed = (name: string) =>
  existsSync(join(import.meta.dirname, '../../node_modules', name))

// Lambda's own Node versions come from npm. Client 3 calls handlers with callbacks. Client 4, of nodejs24.x and of
// Managed Instances, rejects them, with and without the plugin.
const RUNTIMES = [
  { title: `Node ${process.versions.node}`, node: process.execPath, client: 'aws-lambda-ric' },
  { title: 'nodejs22.x', node: lambdaNode(22), client: 'aws-lambda-ric' },
  { title: 'nodejs22.x, Managed Instances', node: lambdaNode(22), client: 'aws-lambda-ric-4' },
  { title: 'nodejs24.x', node: lambdaNode(24), client: 'aws-lambda-ric-4' },
]

const WAYS = [
  { way: 'as an ES module', format: 'esm' as const, cjs: 'facade' as const },
  { way: 'as a facade in CommonJS', format: 'cjs' as const, cjs: 'facade' as const },
  { way: 'as CommonJS that blocks', format: 'cjs' as const, cjs: 'blocking' as const },
]

const SOURCE = `
const atLoad = process.env.STRIPE_KEY
export const handler = async (event, context) => [atLoad, context.functionName, event]
export const callback = (event, context, done) => void setTimeout(() => done(null, [atLoad, event]), 5)
export const context = (event, context) => void setTimeout(() => context.succeed([atLoad, event]), 5)
export const lingering = (event, context, done) => {
  context.callbackWaitsForEmptyEventLoop = false
  setInterval(() => {}, 1000)
  done(null, atLoad)
}
export const throws = async () => { throw new TypeError('from the handler') }
export const streaming = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('["streamed",')
  stream.end(JSON.stringify(atLoad) + ']')
})
`

describe.for(RUNTIMES)('a function in AWS’s runtime interface client on $title', (runtime) => {
  const { node, client } = runtime
  const runs = it.skipIf(!node || !installed(client))

  async function lambda(handler: string, { format, cjs }: (typeof WAYS)[number]) {
    const root = await project({ 'src/main.ts': SOURCE })
    const built = await buildProject(
      shared,
      'esbuild',
      root,
      {
        format,
        options: {
          processEnv: ['STRIPE_KEY'],
          processEnvOptions: { cjs },
          runtime: { attemptTimeoutMs: 20_000, deadlineMs: 40_000, maxAttempts: 2 },
        },
      },
      { STRIPE_KEY },
    )
    expect(built.failed, built.terminal).toBe(false)
    const bundle = join(built.outdir, format === 'cjs' ? 'main.cjs' : 'main.mjs')
    return startLambda({ bundle, handler, env: shared.kms.env, node: node!, client })
  }

  for (const way of WAYS) {
    runs(`keeps its signature ${way.way}`, async () => {
      const answers: Record<string, unknown> = {
        handler: [STRIPE_KEY, 'function', { a: 1 }],
        streaming: ['streamed', STRIPE_KEY],
        ...(client === 'aws-lambda-ric' && {
          callback: [STRIPE_KEY, { a: 1 }],
          context: [STRIPE_KEY, { a: 1 }],
          lingering: STRIPE_KEY,
        }),
      }
      for (const [handler, answer] of Object.entries(answers)) {
        const running = await lambda(handler, way)
        const before = decrypts(shared.kms)
        expect(await running.invoke({ a: 1 }), handler).toEqual({ answer })
        expect(await running.invoke({ a: 1 }), handler).toEqual({ answer })
        expect(decrypts(shared.kms) - before).toBe(1)
        await running.stop()
      }
      const running = await lambda('throws', way)
      expect(await running.invoke({})).toMatchObject({
        error: { errorType: 'TypeError', errorMessage: 'from the handler' },
      })
      await running.stop()
    })

    runs(`fails before the handler runs, and then succeeds, ${way.way}`, async () => {
      const running = await lambda('handler', way)
      const fault = shared.kms.faults.add({
        kind: 'error',
        type: 'KMSInternalException',
        status: 500,
        operation: 'Decrypt',
      })
      expect(await running.invoke({})).toMatchObject({
        initError: {
          errorType: 'KmsSecretError',
          errorMessage: expect.stringContaining('[KMS_UNREACHABLE]'),
        },
      })
      fault.remove()
      expect(await running.invoke({})).toMatchObject({ answer: [STRIPE_KEY, 'function', {}] })
      await running.stop()
      expect(running.output).not.toContain(STRIPE_KEY)
    })
  }
})
