import { readFile } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { join } from 'node:path'
import MagicString from 'magic-string'
import { createUnplugin } from 'unplugin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redactSource } from '../../src/pipeline/emit/redact.js'
import { detect } from '../detector/detect.js'
import { shareOf } from '../support/combinations.js'
import { project } from '../support/project.js'
import { bench, buildProject, type Bench } from './fixture.js'
import { ABSENT, HOSTS, type Cell, type HostName, type Maps } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUES = ['plaintext-before-a-call', 'first line of two\nsecond line of two']
const SOURCE = `import { secret } from 'unplugin-kms/secret'
interface Erased { nothing: string }
declare const here: (...values: unknown[]) => void
export const one = secret('${VALUES[0]}'); here(1)
export const two = [secret(\`${VALUES[1]}\`), here(2)]
export function three(erased: Erased) {
  here(3, erased)
  if (erased) { here(4, secret('${VALUES[0]}')); here(5) }
}
here(6, three)
`
const CALLS = [1, 2, 3, 4, 5, 6]

/** Cheap maps have one place a line, and the second call ends on the line of what stands before it. */
const callsOf = (maps: Maps) => (maps === 'cheap' ? CALLS.filter((call) => call !== 2) : CALLS)

/** Builds the source and reads back its one output and that one's map. */
async function built(
  host: HostName,
  maps: Maps,
  before: unknown[] = [],
  { file = 'main.mjs.map', ...cell }: Partial<Cell> & { file?: string } = {},
) {
  const root = await project({ 'src/main.ts': SOURCE })
  const { failed, terminal, outdir, files } = await buildProject(shared, host, root, {
    maps,
    before,
    options: { plaintextLiterals: 'allow' },
    ...cell,
  })
  expect(failed, terminal).toBe(false)
  expect(detect(files, { before: VALUES[0]!, lines: VALUES[1]! })).toEqual([])
  const code = evaluated(await readFile(join(outdir, 'main.mjs'), 'utf8'))
  const inline =
    /sourceMappingURL=data:application\/json;(?:charset=[\w-]+;)?base64,([\w+/=]+)/.exec(code)
  const text = inline
    ? Buffer.from(inline[1]!, 'base64').toString()
    : await readFile(join(outdir, file), 'utf8')
  return { code, map: JSON.parse(text) as SourceMapPayload }
}

/** In the eval modes each module is a string with its own map. */
function evaluated(code: string): string {
  const texts = [...code.matchAll(/eval\((?:[\w.]+\()?("(?:[^"\\]|\\.)*")/g)]
    .map(([, text]) => JSON.parse(text!) as string)
    .filter((text) => /here\(1[,)]/.test(text))
  return texts[0] ?? code
}

interface Place {
  line: number
  column: number
}

/** Where in a text a call of `here` stands, from 0. */
function placeOf(call: number, text: string): Place {
  const offset = text.search(new RegExp(`here\\(${call}[,)]`))
  expect(offset, `here(${call})`).not.toBe(-1)
  const lines = text.slice(0, offset).split('\n')
  return { line: lines.length - 1, column: lines.at(-1)!.length }
}

/** Returns where the map points for a call in the output, and the place of the call in the shown source. */
function led({ code, map }: { code: string; map: SourceMapPayload }, call: number) {
  const { line, column } = placeOf(call, code)
  const entry = new SourceMap(map).findEntry(line, column)
  if (!('originalSource' in entry)) throw new Error(`nothing leads from here(${call})`)
  const index = map.sources.indexOf(entry.originalSource)
  // Where there is no content, a reader goes by the places alone.
  const shown = map.sourcesContent?.[index] ?? redactSource(SOURCE, 'main.ts')
  return {
    source: entry.originalSource,
    shown,
    at: { line: entry.originalLine, column: entry.originalColumn },
    stands: placeOf(call, shown),
  }
}

const HOST_NAMES = (Object.keys(HOSTS) as HostName[]).filter((host) => !ABSENT[host])

describe.each(HOST_NAMES)('the maps of %s', (host) => {
  it.each(shareOf(['file', 'inline'] as const, HOST_NAMES.indexOf(host), 2))(
    'point to line and column of a source with masked literals (%s)',
    async (maps) => {
      const output = await built(host, maps)
      for (const call of CALLS) {
        const { source, shown, at, stands } = led(output, call)
        expect(source).toMatch(/main\.ts(\?|$)/)
        expect(at.line, `the line of here(${call})`).toBe(placeOf(call, SOURCE).line)
        // Bun reads no map of ours: its lines show what the module became.
        if (host !== 'bun') expect(shown).toContain("secret('•••')")
        // Farm points to a token next to it.
        if (host !== 'bun' && host !== 'farm') expect(at, `here(${call})`).toEqual(stands)
      }
    },
  )
})

const MODES: [HostName, Maps][] = [
  ...(['esbuild', 'rollup', 'rolldown', 'vite', 'webpack', 'rspack'] as const).map(
    (host) => [host, 'hidden'] as [HostName, Maps],
  ),
  ...(['esbuild', 'rollup', 'webpack', 'rspack'] as const).map(
    (host) => [host, 'nosources'] as [HostName, Maps],
  ),
  ['webpack', 'eval'],
  ['rspack', 'eval'],
  ['webpack', 'cheap'],
  ['rspack', 'cheap'],
]

describe('the maps of other kinds', () => {
  it.each(shareOf(MODES, 0, 2))('point to the masked source: %s, %s', async (host, maps) => {
    const output = await built(host, maps)
    if (maps === 'nosources')
      expect(JSON.stringify(output.map.sourcesContent ?? [])).not.toContain('secret(')
    for (const call of callsOf(maps)) {
      const { source, shown, at, stands } = led(output, call)
      expect(source).toMatch(/main\.ts(\?|$)/)
      expect(shown).toContain("secret('•••')")
      if (maps === 'cheap') expect(at.line, `here(${call})`).toBe(stands.line)
      else expect(at, `here(${call})`).toEqual(stands)
    }
  })
})

/** Adds a line before each module, with a map that contains the original module. */
const banner = createUnplugin<HostName>((host) => {
  const withBanner = (code: string, id: string) => {
    expect(code, 'the marks are still there').toContain(VALUES[0])
    const magic = new MagicString(code).prepend('/* a banner */\n')
    const map = magic.generateMap({ source: id, includeContent: true, hires: true })
    return { code: magic.toString(), map: JSON.parse(map.toString()) as SourceMapPayload }
  }
  const filter = { id: /main\.ts$/ }
  return {
    name: 'banner',
    enforce: 'pre',
    // In Rollup ours loads what nobody else has loaded.
    ...(host === 'rollup'
      ? {
          rollup: {
            load: {
              order: 'pre',
              filter,
              handler: async (id: string) => withBanner(await readFile(id, 'utf8'), id),
            },
          },
        }
      : { transform: { filter, order: 'pre', handler: withBanner } }),
  }
})

// esbuild and Bun have no transforms, and Farm drops such a map.
const CHAINED = ['rollup', 'rolldown', 'vite', 'webpack', 'rspack'] as const
describe.each(CHAINED)(
  'after a plugin whose map contains the original source, the maps of %s',
  (host) => {
    const webpacks = host === 'webpack' || host === 'rspack' ? (['eval', 'cheap'] as const) : []
    const modes = ['file', 'inline', 'hidden', ...webpacks] as const
    it.each(shareOf(modes, CHAINED.indexOf(host), 3))(
      'contain the masked source, and point to its lines (%s)',
      async (maps) => {
        const output = await built(host, maps, [banner[host](host)])
        for (const call of callsOf(maps)) {
          const { shown, at } = led(output, call)
          expect(shown).toContain("secret('•••')")
          expect(at.line - placeOf(1, shown).line, `here(${call})`).toBe(
            placeOf(call, shown).line - placeOf(1, shown).line,
          )
        }
      },
    )
  },
)

const NAMED: [HostName, what: string, file: string, cell: Partial<Cell>][] = [
  ...(['webpack', 'rspack'] as const).flatMap((host): typeof NAMED => [
    [
      host,
      'whose address has a query',
      'main.mjs.map',
      { after: [named('[file].map?[contenthash]')] },
    ],
    [
      host,
      'with an ending of its own',
      'maps/main.mjs.json',
      { after: [named('maps/[file].json')] },
    ],
  ]),
  ...(['rollup', 'rolldown'] as const).map((host): (typeof NAMED)[number] => [
    host,
    'with an ending of its own',
    'maps/main.json',
    { more: { sourcemapFileNames: 'maps/[name].json' } },
  ]),
]

function named(sourceMapFilename: string) {
  return {
    apply: ({ options }: { options: { output: object } }) =>
      void Object.assign(options.output, { sourceMapFilename }),
  }
}

describe('a map by another name', () => {
  it.each(shareOf(NAMED, 0, 3))('is redacted: %s, %s', async (host, _, file, cell) => {
    for (const before of [[], [banner[host as 'rollup'](host)]]) {
      const { map } = await built(host, 'file', before, { file, ...cell })
      const shown = map.sourcesContent.find((content) => content?.includes('here(1)'))
      expect(shown).toContain("secret('•••')")
    }
  })
})
