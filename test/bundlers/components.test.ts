import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, printed, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'planted-literal-value-7Q'
const COMPONENT = `<template>{{ length }}</template>
<script lang="ts">
import { secret } from 'unplugin-kms/secret'
interface Erased { nothing: string }
export const key = secret('${VALUE}')
</script>
`

/** As the plugins of Vue and Svelte: a script is a module of its own, and its map shows the component. */
const components = {
  name: 'components',
  resolveId: {
    order: 'pre',
    handler: (id: string, importer?: string) =>
      /\.vue/.test(id) ? join(importer!.replace(/\/[^/]*$/, ''), id) : null,
  },
  load: {
    order: 'pre',
    async handler(id: string) {
      const [file, query] = id.split('?') as [string, string?]
      if (!file.endsWith('.vue')) return null
      if (!query)
        return { code: `export * from './key.vue?vue&type=script&lang.ts'`, moduleType: 'js' }
      const component = await readFile(file, 'utf8')
      const code = /<script lang="ts">([^]*)<\/script>/.exec(component)![1]!
      const map = { version: 3, sources: [file], sourcesContent: [component], names: [] }
      return { code, moduleType: 'ts', map: { ...map, mappings: 'AAEA;AACA;AACA;AACA' } }
    },
  },
}

describe('a mark in the script of a component', () => {
  it.each([
    ['rollup', 'before'],
    ['rollup', 'after'],
    ['rolldown', 'before'],
    ['rolldown', 'after'],
    ['vite', 'before'],
    ['vite', 'after'],
  ] as const)(
    'is sealed under %s, its plugin %s ours, and no map contains the component',
    async (host, order) => {
      const root = await project({
        'src/main.ts': `import { key } from './key.vue'\nkey.then((text) => console.log(JSON.stringify(text)))\n`,
        'src/key.vue': COMPONENT,
      })
      for (const maps of ['file', 'inline'] as const) {
        const built = await buildProject(shared, host, root, {
          maps,
          [order]: [components],
          options: { plaintextLiterals: 'allow' },
        })
        expect(built.failed, built.terminal).toBe(false)
        expectClean(built, { plaintexts: [VALUE] })
        expect(await printed(shared, built, { plaintexts: [] }, '.mjs')).toBe(VALUE)
      }
    },
  )
})

/** As Astro's compiler: the component becomes one JavaScript module, in an ordinary transform. */
const compiler = {
  name: 'compiler',
  transform: (code: string, id: string) =>
    id.endsWith('.astro') ? { code: code.split('---')[1]!, moduleType: 'js', map: null } : null,
}

it('is sealed if Vite receives JavaScript only after the component is compiled', async () => {
  const root = await project({
    'src/main.ts': `import { key } from './key.astro'\nkey.then((text) => console.log(JSON.stringify(text)))\n`,
    'src/key.astro': `---
import { secret } from 'unplugin-kms/secret'
export const key = secret.env('COMPONENT_KEY')
---
<p>markup</p>
`,
  })
  const built = await buildProject(shared, 'vite', root, {
    maps: 'file',
    after: [compiler],
    options: { env: { COMPONENT_KEY: VALUE } },
  })
  expect(built.failed, built.terminal).toBe(false)
  expectClean(built, { plaintexts: [VALUE] })
  expect(await printed(shared, built, { plaintexts: [] }, '.mjs')).toBe(VALUE)
})
