import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { bundle, pairModule } from './program.js'
import { PATIENT, useKms } from './world.js'

const world = useKms()

/** Runs a bundle that fails. Returns what node prints, and the source line that the first frame in the bundle names. */
async function failure(code: (token: string) => string) {
  const { wrapped, seal } = await world.pair()
  const token = JSON.stringify(await seal('hunter2'))
  const source = `import { pair } from './pair.mjs'\n${code(token)}`
  const { file, text } = await bundle(source, pairModule([wrapped], PATIENT), 'esm', false)
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env.PATH, ...world.kms.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  child.stderr.on('data', (part) => (output += part))
  await once(child, 'close')
  const [, line] = /bundle\.mjs:(\d+):\d+/.exec(output.slice(output.indexOf('\n    at '))) ?? []
  return { output, line: text.split('\n')[Number(line) - 1] }
}

const occurrences = (text: string, part: string) => text.split(part).length - 1

describe('an uncaught error', () => {
  it('shows the line that awaited the secret, and each fact once', async () => {
    world.kms.faults.add({ kind: 'error', type: 'AccessDeniedException', operation: 'Decrypt' })
    const { output, line } = await failure(
      (token) => `const db = pair(${token}, 'DB')\nexport const value = await db`,
    )
    expect(line).toBe('var value = await db;')
    expect(output).toMatch(/^Error \[KmsSecretError]: DB: arn:aws:kms:.*\[KMS_DENIED]$/m)
    expect(output).not.toMatch(/OPEN_FAILED|altered|errorOf/)
    expect(occurrences(output, '400 AccessDeniedException')).toBe(1)
    expect(occurrences(output, 'check the key policy')).toBe(1)
  })

  it('of a connection shows each fact once', async () => {
    world.kms.faults.add({ kind: 'reset', when: 'before', operation: 'Decrypt' })
    const { output, line } = await failure(
      (token) => `export const value = await pair(${token}, 'DB')`,
    )
    expect(output).toMatch(
      /^Error \[KmsSecretError]: DB: arn:aws:kms:.*ECONNRESET \[KMS_UNREACHABLE]$/m,
    )
    expect(occurrences(output, 'ECONNRESET')).toBe(1)
    expect(line).toContain('await pair(')
  })

  it('of a secret that is not awaited shows the line that used it, and what to add', async () => {
    const { output, line } = await failure(
      (token) => `const db = pair(${token}, 'DB')\nexport const url = 'postgres://' + db`,
    )
    expect(line).toBe('var url = "postgres://" + db;')
    expect(output).toMatch(/\nvar url = "postgres:\/\/" \+ db;\n/)
    expect(output).toMatch(/^Error \[KmsSecretError]: DB: add `await` \[NOT_AWAITED]$/m)
    expect(output).not.toContain('OPEN_FAILED')
  })
})
