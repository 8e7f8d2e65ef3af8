import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { BuildCommand } from '../../../src/pipeline/leak-check/build-command.js'
import { decompress } from '../../../src/pipeline/leak-check/decompress.js'
import { project } from '../../support/project.js'

it('a stream that is too large uses up the limit of its output', () => {
  const budget = { left: 1000, compressed: 10 }
  expect([...decompress(gzipSync(Buffer.alloc(5000)), budget)]).toEqual([])
  expect(budget.left).toBe(0)
})

it('a limited number of streams is decompressed', () => {
  const budget = { left: 1_000_000, compressed: 2 }
  const stream = gzipSync('correct horse')
  const found = [...decompress(Buffer.concat([stream, Buffer.alloc(9, 1), stream, stream]), budget)]
  expect(found.length).toBeLessThanOrEqual(2)
  expect(budget.compressed).toBe(0)
})

it('an output that another session overwrites is not searched again', async () => {
  const root = await project({})
  const [one, other] = [new BuildCommand(root, () => []), new BuildCommand(root, () => [])]
  const output = { path: `${root}/out/main.js`, build: 1, source: undefined, content: 'a' }
  one.remember([output], 1, [])
  other.remember([{ ...output, content: 'b' }], 1, [])
  expect([...one.outputs.keys()]).toEqual([])
  expect([...other.outputs.keys()]).toEqual([output.path])
  for (const command of [one, other]) command.leave()
})
