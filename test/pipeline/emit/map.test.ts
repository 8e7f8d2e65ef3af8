import { SourceMap, type SourceMapPayload } from 'node:module'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../src/pipeline/collect/collect.js'
import { emit, type ShimCall } from '../../../src/pipeline/emit/emit.js'
import { maskLiterals } from '../../../src/pipeline/emit/mask.js'
import { parse } from '../../../src/syntax/parse.js'
import { walk } from '../../../src/syntax/traverse.js'

const CALL: ShimCall = { from: './pair', export: 'open', args: ['kms:v1:AAAA', 'KEY'] }

const SOURCE = `import { secret } from 'unplugin-kms/secret'
import fs, { readFileSync as read } from 'node:fs'
@decorated() @again
export class Service extends (read as any) {
  #items = new Map<string, number[]>([['a', [1, -2, +3]]])
  static readonly key = secret.env('KEY'); other = !this.#items?.size
  async *each({ from = 0, ...rest }: { from?: number }, [first, , third] = [1, 2, 3]) {
    for await (const item of this.#items) yield* [item, ~from, ...Object.values(rest), -third]
    if (!/[a-z]+/g.test(\`x\${first}\`)) throw new Error('no'), (async () => { await 0 })()
    return typeof from === 'number' ? { [\`k\${from}\`]: fs } : (<any>rest)['k'](tag\`t\`, 1e3, 0x1f, 10n)
  }
  größe = ((a, b) => a ** b)(2, 3); $ = { _: secret('a literal'), get x() { return super.x } }
}
label: for (;;) { try { break label } catch { debugger } finally { void 0 } }
`

/** Returns the places at which nodes of each type start, from 0. */
function nodesOf(code: string): { type: string; line: number; column: number; text: string }[] {
  const nodes: { type: string; line: number; column: number; text: string }[] = []
  walk(
    parse(code, 'main.ts'),
    () => true,
    ({ type, start, end }) => {
      const lines = code.slice(0, start!).split('\n')
      const place = { line: lines.length - 1, column: lines.at(-1)!.length }
      nodes.push({ type, ...place, text: code.slice(start!, end!) })
    },
  )
  return nodes
}

describe('the map of a module', () => {
  it.each([
    [
      'with calls in the place of marks',
      () => {
        const collected = collect(SOURCE, 'main.ts')!
        return emit(SOURCE, 'main.ts', collected, [CALL, CALL])
      },
    ],
    ['with masked literals', () => maskLiterals(SOURCE, 'main.ts')!],
  ])('%s leads from each node that the source has, to the same one', (_, transform) => {
    const { code, map } = transform()
    const places = new SourceMap(JSON.parse(map.toString()) as SourceMapPayload)
    const originals = new Set(
      nodesOf(map.sourcesContent![0]!).map(({ type, line, column }) => `${type} ${line}:${column}`),
    )
    const nodes = nodesOf(code)
    expect(nodes.length).toBeGreaterThan(150)
    for (const { type, line, column, text } of nodes) {
      const entry = places.findEntry(line, column) as {
        originalLine: number
        originalColumn: number
      }
      // The shim's import and call, comments, and the colon of a type.
      if (
        /kms_|'\.\/pair'|kms:v1|^"KEY"$|^open$/.test(text) ||
        /^(?:Comment|TSTypeAnnotation)/.test(type)
      )
        continue
      const led = `${type} ${entry.originalLine}:${entry.originalColumn}`
      expect(originals.has(led), `${led} from ${line}:${column}: ${text.slice(0, 40)}`).toBe(true)
    }
  })
})
