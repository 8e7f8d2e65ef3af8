import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  bench,
  buildIn,
  decrypts,
  expectClean,
  expectInspected,
  fixtures,
  prepare,
  printed,
  type Bench,
  type Fixture,
  type Way,
} from '../fixture.js'
import { triesAll } from '../../support/combinations.js'
import { ABSENT, type HostName, type Maps } from '../hosts.js'

const MAPS: Record<HostName, Maps[]> = {
  esbuild: ['none', 'file', 'inline', 'hidden', 'nosources', 'eval'],
  rollup: ['none', 'file', 'inline', 'hidden', 'nosources'],
  rolldown: ['none', 'file', 'inline', 'hidden'],
  vite: ['none', 'file', 'inline', 'hidden'],
  webpack: ['none', 'file', 'inline', 'hidden', 'nosources', 'eval', 'cheap'],
  rspack: ['none', 'file', 'inline', 'hidden', 'nosources', 'eval', 'cheap'],
  farm: ['none', 'file', 'inline'],
  bun: ['none', 'file', 'inline', 'hidden'],
}
const CACHED: HostName[] = ['rollup', 'webpack', 'rspack', 'farm']
/** Where a build takes a quarter of a second and more, minified and not take turns. */
const SLOW: HostName[] = ['webpack', 'rspack', 'farm', 'bun']

/** Returns whether `npm test` builds a cell: each format, a map and none, minified and not, and a cache that is kept. */
const isTypical = ({ name }: Fixture, { maps, format, minify }: Way) =>
  format === 'esm' ? !minify && (maps === 'inline' || name === 'sync') : minify && maps === 'none'

/**
 * Every map mode in both formats, minified and not; a cache that is kept meets the two modes that
 * could put a source into it; the synchronous marks differ in the code alone, and meet one mode.
 */
function ways(host: HostName, { name }: Fixture): (Way & { cached: boolean })[] {
  const modes = name === 'sync' ? (['file'] as const) : MAPS[host]
  return modes.flatMap((maps, at) =>
    (['esm', 'cjs'] as const).flatMap((format, f) =>
      [false, true]
        .filter((_, m) => !SLOW.includes(host) || (at + f + m) % 2 === 0)
        .flatMap((minify) => {
          const caches =
            CACHED.includes(host) &&
            name !== 'sync' &&
            format === 'esm' &&
            !minify &&
            (maps === 'inline' || maps === 'eval' || maps === 'file')
          return (caches ? [false, true] : [false]).map((cached) => ({
            maps,
            format,
            minify,
            cached,
          }))
        }),
    ),
  )
}

/** Declares one test per folder of `fixtures/matrix` and way of building it under one bundler. */
export async function testCells(host: HostName) {
  const all = await fixtures('matrix')
  const first: Record<string, string> = {}

  describe(`under ${host}`, () => {
    let shared: Bench
    beforeAll(async () => void (shared = await bench()))
    afterAll(() => shared.close())

    for (const fixture of all) {
      const why = ABSENT[host] ?? fixture.expected.except?.[host]
      for (const { cached, ...way } of ways(host, fixture)) {
        if (!triesAll && !isTypical(fixture, way)) continue
        if (fixture.expected.formats && !fixture.expected.formats.includes(way.format)) continue
        const named = `${fixture.name}: ${way.format}, maps ${way.maps}${way.minify ? ', minified' : ''}${cached ? ', twice with a cache that is kept' : ''}`
        it.skipIf(why)(`${named}${why ? `: ${why}` : ''}`, async () => {
          const root = (first[fixture.name] ??= await prepare(shared, fixture))
          const cache = cached ? await mkdtemp(join(root, 'cache-')) : undefined
          for (let run = 0; run < (cached ? 2 : 1); run++)
            await buildAndRun(shared, root, fixture, host, { ...way, cache })
        })
      }
    }
  })
}

async function buildAndRun(
  shared: Bench,
  root: string,
  fixture: Fixture,
  host: HostName,
  way: Way,
) {
  const { expected } = fixture
  const built = await buildIn(shared, root, fixture, host, way)
  expect(built.failed, built.terminal).toBe(false)
  expect(built.files.length).toBeGreaterThan(0)
  expectClean(built, expected)
  await expectInspected(shared, built, expected)
  const before = decrypts(shared.kms)
  expect(await printed(shared, built, expected, way.format === 'cjs' ? '.cjs' : '.mjs')).toEqual(
    expected.prints,
  )
  expect(decrypts(shared.kms) - before, 'one unwrap a process').toBe(1)
}
