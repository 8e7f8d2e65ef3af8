import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { lambdaNode, startLambda } from '../../../fixtures/lambda-runtime/index.mjs'
import { bundle, pairModule } from './program.js'
import { useKms } from './world.js'

const world = useKms()
const installed = (name: string) =>
  existsSync(fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url)))

// Lambda's own Node versions come from npm (linux-x64 alone), its client for 22 and later under an alias.
const RUNTIMES = [
  { title: `Node ${process.versions.node}`, node: process.execPath, client: 'aws-lambda-ric' },
  ...([22, 24] as const).map((major) => ({
    title: `nodejs${major}.x`,
    node: lambdaNode(major),
    client: 'aws-lambda-ric-4',
  })),
]

const TWO_ATTEMPTS = { attemptTimeoutMs: 20_000, deadlineMs: 40_000, maxAttempts: 2 }

const functions = {
  'with top-level await': {
    code: (token: string) =>
      `const value = await pair(${token}, 'DB')\nexport const handler = async () => value.length`,
    format: 'esm' as const,
  },
  'in CommonJS': {
    code: (token: string) =>
      `const secret = pair(${token}, 'DB')\nexport const handler = async () => (await secret).length`,
    format: 'cjs' as const,
  },
}

describe.each(RUNTIMES)('in AWS’s runtime interface client on $title', ({ node, client }) => {
  const lambda = async ({ code, format }: (typeof functions)[keyof typeof functions]) => {
    const pair = await world.pair()
    const token = JSON.stringify(await pair.seal('hunter2'))
    const { file } = await bundle(
      `import { pair } from './pair.mjs'\n${code(token)}`,
      pairModule([pair.wrapped], TWO_ATTEMPTS),
      format,
    )
    return startLambda({ bundle: file, env: world.kms.env, node: node!, client })
  }
  // Skipped where the packages of the runtime are not installed.
  const runs = it.skipIf(!node || !installed(client))

  runs.each(Object.entries(functions))('a function %s answers', async (_, fn) => {
    const running = await lambda(fn)
    expect(await running.invoke({})).toEqual({ answer: 7 })
    expect(await running.invoke({})).toEqual({ answer: 7 })
    await running.stop()
    expect(world.decrypts).toHaveLength(1)
  })

  runs('reports a failed INIT, and the next invocation succeeds', async () => {
    const running = await lambda(functions['with top-level await'])
    const fault = world.kms.faults.add({
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
    expect(await running.invoke({})).toEqual({ answer: 7 })
    await running.stop()
  })

  runs('reports a failed invocation, and the next one succeeds in the same process', async () => {
    const running = await lambda(functions['in CommonJS'])
    const fault = world.kms.faults.add({
      kind: 'error',
      type: 'DisabledException',
      operation: 'Decrypt',
    })
    expect(await running.invoke({})).toMatchObject({ error: { errorType: 'KmsSecretError' } })
    const { pid } = running
    fault.remove()
    expect(await running.invoke({})).toEqual({ answer: 7 })
    expect(running.pid).toBe(pid)
    await running.stop()
    expect(running.output).not.toContain('hunter2')
  })
})
