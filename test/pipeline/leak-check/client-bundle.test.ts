import { join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { userChain } from '../../../src/pipeline/leak-check/client-bundle.js'
import { project } from '../../support/project.js'

it('shows an import chain by the files of the user, and no module that a framework made', async () => {
  const root = await project({
    'src/entry.ts': '',
    'src/page.vue': '',
    'src/secrets.ts': '',
    '.svelte-kit/generated/app.js': '',
    'node_modules/router/index.js': '',
  })
  const chain = [
    join(root, 'src/secrets.ts'),
    `${join(root, 'src/page.vue')}?vue&type=script`,
    join(root, 'src/page.vue'),
    join(root, 'src/page.vue_component_06hTRPZlBNE.js'),
    'solid-start:routes',
    '@qwik-city-plan',
    join(root, '.svelte-kit/generated/app.js'),
    'virtual:routes',
    '\0virtual-entry',
    join(root, 'node_modules/router/index.js'),
    join(root, 'src/entry.ts'),
  ]
  const importersOf = (id: string) => chain.slice(chain.indexOf(id) + 1).slice(0, 1)
  expect(userChain(chain[0]!, importersOf, (path) => relative(root, path))).toEqual([
    'src/entry.ts',
    'src/page.vue',
    'src/secrets.ts',
  ])
})
