import replace from '@rollup/plugin-replace'
import { afterAll, beforeAll, expect, it } from 'vitest'
import webpack from 'webpack'
import { rspack } from '@rspack/core'
import { project } from '../support/project.js'
import { bench, buildProject, printed, type Bench } from './fixture.js'
import type { Cell, HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const STAGE = JSON.stringify({ STAGE: 'prod' })
const DEFINED = { 'process.env': STAGE }
const plugin = replace as unknown as typeof replace.default
const replaced = () => plugin({ preventAssignment: true, values: DEFINED })

const CASES: [HostName, Partial<Cell>][] = [
  ['esbuild', { more: { define: DEFINED } }],
  ['rollup', { after: [replaced()] }],
  ['rolldown', { after: [replaced()] }],
  ['vite', { more: { define: DEFINED } }],
  ['webpack', { after: [new webpack.DefinePlugin(DEFINED)] }],
  ['rspack', { after: [new rspack.DefinePlugin(DEFINED)] }],
]

it.each(CASES)(
  'decrypts secrets under %s although process.env is replaced at build time',
  async (host, cell) => {
    const root = await project({
      'src/main.ts': `import { secret } from 'unplugin-kms/secret'
const { env } = { env: process.env }
secret.env('KEY').then((value: string) => console.log(JSON.stringify([value, env.STAGE])))\n`,
    })
    const built = await buildProject(shared, host, root, {
      ...cell,
      options: { env: { KEY: 'value of a variable' } },
    })
    expect(built.failed, built.terminal).toBe(false)
    expect(await printed(shared, built, { plaintexts: [] }, '.mjs')).toEqual([
      'value of a variable',
      'prod',
    ])
  },
)
