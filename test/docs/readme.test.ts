import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { filesIn, project } from '../support/project.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const KEY = 'sk_test_4eC39HqLyjWDarjt'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
  await kms.createKey({ alias: 'alias/app' })
})
afterAll(() => kms.close())

/** A project with the code blocks of the README that begin with a file's name. */
async function readmeProject(): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const folder = await project({ 'package.json': '{}' })
  for (const [, name, code] of readme.matchAll(/```js\n\/\/ (\S+)\n([^]*?)```/g)) {
    await mkdir(dirname(join(folder, name!)), { recursive: true })
    await writeFile(join(folder, name!), code!)
  }
  for (const name of ['rollup', 'vite', 'rolldown', 'webpack', '@rspack', '@farmfe']) {
    await mkdir(join(folder, 'node_modules'), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  await symlink(root, join(folder, 'node_modules/unplugin-kms'))
  return folder
}

const COMMANDS: [bundler: string, command: string[]][] = [
  ['rollup', ['node_modules/rollup/dist/bin/rollup', '-c', 'rollup.config.mjs']],
  ['vite', ['node_modules/vite/bin/vite.js', 'build']],
  ['rolldown', ['node_modules/rolldown/bin/cli.mjs', '-c', 'rolldown.config.mjs']],
  [
    'webpack',
    [
      '-e',
      "import('./webpack.config.mjs').then(({ default: c }) => require('webpack')(c, (e, s) => { if (e || s.hasErrors()) throw e ?? new Error(s.toString()) }))",
    ],
  ],
  [
    'rspack',
    [
      '-e',
      "import('./rspack.config.mjs').then(async ({ default: c }) => (await import('@rspack/core')).rspack(c, (e, s) => { if (e || s.hasErrors()) throw e ?? new Error(s.toString()) }))",
    ],
  ],
  [
    'farm',
    [
      '-e',
      "Promise.all([import('@farmfe/core'), import('./farm.config.mjs')]).then(([{ build }, { default: c }]) => build({ ...c, configFile: false }))",
    ],
  ],
]

describe('the configuration in the README builds a bundle with ciphertext', () => {
  it.each(COMMANDS)('of %s', async (bundler, command) => {
    const folder = await readmeProject()
    await promisify(execFile)(process.execPath, command, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...kms.env, STRIPE_KEY: KEY },
    })
    const files = await filesIn(join(folder, 'dist', bundler))
    const text = Object.values(files).join('\n')
    expect(text).toContain('kms:v1:')
    expect(text).not.toContain(KEY)
  })
})

it('the README and the pages that it links to exist', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const links = [...readme.matchAll(/\]\((?!http)([^)#]+)/g)].map(([, path]) => path!)
  expect(links.length).toBeGreaterThan(20)
  for (const link of links) await expect(readFile(join(root, link)), link).resolves.toBeDefined()
})
