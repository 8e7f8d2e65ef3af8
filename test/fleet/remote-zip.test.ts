import { randomBytes } from 'node:crypto'
import type { LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examineFleet } from '../../src/fleet/fleet.js'
import { zip } from '../inspect/zip.js'
import { deployment, type Deployment } from './deployment.js'

const random = (characters: number) => randomBytes(characters / 2).toString('hex')

describe('code that is read by ranges', () => {
  let kms: LocalKms
  let deployed: Deployment

  beforeAll(async () => {
    deployed = await deployment()
    ;({ kms } = deployed)
  })
  afterAll(() => kms.close())

  /** Deploys a zip and examines it. */
  async function examine(files: Record<string, string>) {
    const arn = kms.createFunction({ name: 'read', role: deployed.role, code: zip(files) })
    const before = kms.journal.length
    const { functions } = await examineFleet(deployed.options())
    kms.deleteFunction(arn)
    const requests = kms.journal.slice(before).filter(({ operation }) => operation === 'GetObject')
    return { ...functions[0], requests: requests.length }
  }

  const isRead = { notRead: [], secrets: [{ name: 'DB_PASSWORD', state: 'current' }] }

  it('reads a file of many megabytes with few requests', async () => {
    const code = `${random(3_000_000)};${await deployed.code()};${random(3_000_000)}`
    const { requests, ...found } = await examine({
      'other.js': random(3_000_000),
      'index.mjs': code,
    })
    expect(found).toMatchObject(isRead)
    expect(requests).toBeLessThan(8)
  })

  it('reads thousands of small files with a few requests per megabyte', async () => {
    const files = Array.from({ length: 3000 }, (_, index) => [
      `node_modules/${index}.js`,
      random(600),
    ])
    const { requests, ...found } = await examine({
      ...Object.fromEntries(files),
      'index.mjs': await deployed.code(),
    })
    expect(found).toMatchObject(isRead)
    expect(requests).toBeLessThan(30)
  })

  it('asks again where a download is throttled or breaks off', async () => {
    for (const fault of [
      { kind: 'throttle' },
      { kind: 'error', type: 'SlowDown', status: 503 },
      { kind: 'reset', when: 'before' },
      { kind: 'reset', when: 'during' },
      { kind: 'body', body: 'truncated' },
    ] as const) {
      const added = kms.faults.add({ ...fault, operation: 'GetObject', times: 2 })
      const found = await examine({ 'a.js': random(800_000), 'index.mjs': await deployed.code() })
      expect([fault, found.notRead]).toEqual([fault, []])
      expect(found).toMatchObject(isRead)
      expect(added.strikes).toBe(2)
      added.remove()
    }
  })

  it('lists a function as not read if downloads keep failing', async () => {
    const added = kms.faults.add({
      kind: 'error',
      type: 'SlowDown',
      status: 503,
      operation: 'GetObject',
    })
    const { notRead, secrets } = await examine({ 'index.mjs': await deployed.code() })
    expect({ notRead, secrets }).toEqual({ notRead: ['the code: HTTP 503'], secrets: [] })
    added.remove()
  })

  it('ignores source maps, which no function runs', async () => {
    const found = await examine({ 'index.mjs.map': await deployed.code() })
    expect(found.secrets).toBeUndefined()
  })
})
