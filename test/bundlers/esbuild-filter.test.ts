import fc from 'fast-check'
import { expect, it } from 'vitest'
import { filterOf } from '../../src/bundlers/esbuild-filter.js'
import { resolveOptions } from '../../src/options/resolve-options.js'

it('lets esbuild call the plugin only for files that the default options include', () => {
  const { include, exclude } = resolveOptions()
  const name = fc.oneof(
    fc.constantFrom('node_modules', 'node_module', 'node_modules2', '.node_modules', 'n', 'src'),
    fc.string({ unit: fc.constantFrom('n', 'o', 'd', 'e', '_', '.', ' ', 'é'), minLength: 1 }),
  )
  const ending = fc.constantFrom('.ts', '.mjs', '.cjs', '.tsx', '.jsx', '.json', '.css', '')
  fc.assert(
    fc.property(
      fc.array(name),
      name,
      ending,
      fc.constantFrom('/', '\\'),
      (folders, file, ending, by) => {
        const path = `${by === '/' ? '' : 'C:'}${by}${[...folders, file].join(by)}${ending}`
        const isIncluded = include[0]!.test(path) && !exclude[0]!.test(path)
        expect(filterOf(false).test(path)).toBe(isIncluded)
        expect(filterOf(true).test(path)).toBe(include[0]!.test(path))
      },
    ),
    { numRuns: 2000 },
  )
})
