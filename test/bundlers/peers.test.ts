import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = async (file: string) =>
  JSON.parse(await readFile(join(root, file), 'utf8')) as {
    peerDependencies: Record<string, string>
    devDependencies: Record<string, string>
  }

it.each([
  ['esbuild', 'esbuild-lowest'],
  ['rollup', 'rollup-lowest'],
  ['rolldown', 'rolldown-lowest'],
  ['vite', 'vite-lowest'],
  ['webpack', 'webpack-lowest'],
  ['@rspack/core', 'rspack-lowest'],
  ['@farmfe/core', 'farm-lowest'],
])('the lowest %s of the compatibility jobs is the one that we declare', async (name, alias) => {
  const { peerDependencies } = await read('package.json')
  const { devDependencies } = await read('fixtures/compat/package.json')
  const [major, minor = '0', patch = '0'] = peerDependencies[name]!.replace('>=', '').split('.')
  expect(devDependencies[alias]).toBe(`npm:${name}@${major}.${minor}.${patch}`)
  expect(devDependencies[name]).toMatch(/^\d+\.\d+\.\d+$/)
})
