import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  bench,
  buildIn,
  expectClean,
  expectRefused,
  fixtures,
  prepare,
  printed,
  type Bench,
  type Way,
} from './fixture.js'
import { ABSENT, HOSTS, type HostName } from './hosts.js'

const WAYS: Way[] = [
  { format: 'esm', maps: 'file', minify: false },
  { format: 'esm', maps: 'inline', minify: true },
]

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const all = await fixtures('adversarial')

// Farm takes a second and more for each process, and has hooks of its own in a few places only: the
// fixtures that go through each of them. All the others are asked of the seven other bundlers.
const FARM = [
  'a-broken-line',
  'a-browser-bundle',
  'a-secret-nobody-uses',
  'an-argument-not-static',
  'an-excluded-module',
  'an-external-marker',
  'an-external-shim',
  'replacement-patterns',
  'twin-in-another-module',
]
const only = process.env.ONLY?.split(',')

describe.for((Object.keys(HOSTS) as HostName[]).filter((host) => !only || only.includes(host)))(
  'under %s',
  (host) => {
    for (const [index, fixture] of all.entries()) {
      const { expected, name } = fixture
      if (process.env.FIXTURE && !name.includes(process.env.FIXTURE)) continue
      if (host === 'farm' && !FARM.includes(name)) continue
      const why = ABSENT[host] ?? expected.except?.[host]
      it.skipIf(why)(
        `${expected.attempt} ${expected.refused === undefined ? 'leaves nothing behind' : 'fails the build'} (${name})${why ? `: ${why}` : ''}`,
        async () => {
          const root = await prepare(shared, fixture)
          // Both ways under the two fastest; under the others the fixtures take turns.
          const ways =
            host === 'esbuild' || host === 'rolldown' ? WAYS : [WAYS[index % WAYS.length]!]
          for (const way of ways) {
            const format = expected.formats?.[0] ?? way.format
            const built = await buildIn(shared, root, fixture, host, { ...way, format })
            expectClean(built, expected)
            if (expected.refused !== undefined) {
              expectRefused(built, expected, host)
              continue
            }
            if (expected.builds) continue
            expect(built.failed, built.terminal).toBe(false)
            if (expected.says) expect(built.terminal).toContain(expected.says)
            if (expected.prints !== undefined) {
              expect(
                await printed(shared, built, expected, format === 'cjs' ? '.cjs' : '.mjs'),
              ).toEqual(expected.prints)
            }
          }
        },
      )
    }
  },
)
