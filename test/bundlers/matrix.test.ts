import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bench, buildIn, decrypts, expectClean, fixtures, prepare, printed, type Bench, type Fixture, type Way } from './fixture.js'
import { ABSENT, HOSTS, type HostName, type Maps } from './hosts.js'

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
/** Where a build takes a quarter of a second and more: every two values of two axes meet, not every three. */
const SLOW: HostName[] = ['webpack', 'rspack', 'farm', 'bun']

const FORMATS = ['esm', 'cjs'] as const

function ways(host: HostName): (Way & { cached: boolean })[] {
  const all = MAPS[host].flatMap((maps, at) =>
    FORMATS.flatMap((format, f) =>
      [false, true].flatMap((minify, m) =>
        [false, true]
          .filter((cached) => !cached || CACHED.includes(host))
          .map((cached, c) => ({ maps, format, minify, cached, parity: at + f + m + c })),
      ),
    ),
  )
  return SLOW.includes(host) ? all.filter(({ parity }) => parity % 2 === 0) : all
}

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const all = await fixtures('matrix')
const only = process.env.ONLY?.split(',')
const first: Record<string, string> = {}

describe.for((Object.keys(HOSTS) as HostName[]).filter((host) => !only || only.includes(host)))('under %s', (host) => {
  for (const fixture of all) {
    const why = ABSENT[host] ?? fixture.expected.except?.[host]
    for (const { cached, ...way } of ways(host)) {
      if (fixture.expected.formats && !fixture.expected.formats.includes(way.format)) continue
      const named = `${fixture.name}: ${way.format}, maps ${way.maps}${way.minify ? ', minified' : ''}${cached ? ', twice with a cache that is kept' : ''}`
      it.skipIf(why)(`${named}${why ? `: ${why}` : ''}`, async () => {
        const root = (first[`${host} ${fixture.name}`] ??= await prepare(shared, fixture))
        const cache = cached ? await mkdtemp(join(root, 'cache-')) : undefined
        for (let run = 0; run < (cached ? 2 : 1); run++) await buildAndRun(root, fixture, host, { ...way, cache })
      })
    }
  }
})

async function buildAndRun(root: string, fixture: Fixture, host: HostName, way: Way) {
  const { expected } = fixture
  const built = await buildIn(shared, root, fixture, host, way)
  expect(built.failed, built.terminal).toBe(false)
  expect(built.files.length).toBeGreaterThan(0)
  expectClean(built, expected)
  const before = decrypts(shared.kms)
  expect(await printed(shared, built, expected, way.format === 'cjs' ? '.cjs' : '.mjs')).toEqual(expected.prints)
  expect(decrypts(shared.kms) - before, 'one unwrap a process').toBe(1)
}
