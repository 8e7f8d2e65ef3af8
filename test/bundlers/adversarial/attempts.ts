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
} from '../fixture.js'
import { shareOf } from '../../support/combinations.js'
import { ABSENT, type HostName } from '../hosts.js'

const WAYS: Way[] = [
  { format: 'esm', maps: 'file', minify: false },
  { format: 'esm', maps: 'inline', minify: true },
]

/** Bundlers that share most of their hooks: `npm test` tries each fixture under one of each family. */
const FAMILIES: HostName[][] = [
  ['esbuild'],
  ['rollup', 'rolldown', 'vite'],
  ['webpack', 'rspack'],
  // Not a family, but they start a process for each build.
  ['farm', 'bun'],
]

/** Declares one test per folder of `fixtures/adversarial` under one bundler. */
export async function testAttempts(host: HostName) {
  const all = await fixtures('adversarial')

  describe(`under ${host}`, () => {
    let shared: Bench
    beforeAll(async () => void (shared = await bench()))
    afterAll(() => shared.close())

    const family = FAMILIES.find((hosts) => hosts.includes(host))!
    for (const fixture of shareOf(all, family.indexOf(host), family.length)) {
      const { expected, name } = fixture
      if (process.env.FIXTURE && !name.includes(process.env.FIXTURE)) continue
      const why = ABSENT[host] ?? expected.except?.[host]
      it.skipIf(why)(
        `${expected.attempt} ${expected.refused === undefined ? 'leaks nothing' : 'fails the build'} (${name})${why ? `: ${why}` : ''}`,
        async () => {
          const root = await prepare(shared, fixture)
          const ways = shareOf(WAYS, all.indexOf(fixture) + FAMILIES.indexOf(family), WAYS.length)
          for (const way of ways) {
            const format = expected.formats?.[0] ?? way.format
            const built = await buildIn(shared, root, fixture, host, { ...way, format })
            expectClean(built, expected)
            if (way.minify && expected.droppedByMinifier?.includes(host)) continue
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
  })
}
