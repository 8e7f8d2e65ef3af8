import { parse } from '@babel/parser'
import { traverse } from '../../../src/syntax/traverse.js'
import { expect, it } from 'vitest'
import { bundleEntry } from '../bundle.mjs'

it.each(['entry', 'entry-sync'] as const)(
  'names no global but globalThis in %s, since a bundle may declare any other name',
  async (name) => {
    const code = await bundleEntry(name)
    const globals: string[] = []
    traverse(parse(`(${code})`), {
      Program({ scope }: { scope: object }) {
        globals.push(...Object.keys(Reflect.get(scope, 'globals') as object))
      },
    })
    expect(globals).toEqual(['globalThis'])
  },
)
