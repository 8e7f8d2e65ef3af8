import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { execFile } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bench, writeNamed, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

/** Runs a build script whose author catches the error, as many do; returns what it printed. */
async function printed(how: 'build' | 'context', options: string, source: string): Promise<string> {
  const root = await mkdtemp(join(shared.folder, 'messages-'))
  await mkdir(join(root, 'src'))
  await writeFile(
    join(root, 'src/main.ts'),
    `import { secret } from 'unplugin-kms/secret'\n${source}\n`,
  )
  await writeNamed(join(root, 'kms-secrets.json'), shared.pair, {})
  const plugin = new URL('../../dist/bundlers/esbuild.js', import.meta.url).href
  const esbuild = import.meta.resolve('esbuild')
  await writeFile(
    join(root, 'build.mjs'),
    `import { build, context } from ${JSON.stringify(esbuild)}
import kms from ${JSON.stringify(plugin)}
const options = { entryPoints: ['src/main.ts'], outdir: 'out', bundle: true, format: 'esm', color: false, ${options},
  plugins: [kms()] }
${
  how === 'build'
    ? 'await build(options).catch(() => process.exit(1))'
    : 'const { rebuild, dispose } = await context(options)\nawait rebuild().catch(() => {})\nawait dispose()'
}`,
  )
  const run = promisify(execFile)(process.execPath, ['build.mjs'], { cwd: root })
  return run.then(
    ({ stderr }) => stderr,
    ({ stderr }: { stderr: string }) => stderr,
  )
}

const LITERAL = `export const key = secret('a plaintext of a test')`
const times = (text: string, part: string) => text.split(part).length - 1

describe('esbuild', () => {
  it.each(['build', 'context'] as const)('prints a leak once under %s', async (how) => {
    const text = await printed(
      how,
      `platform: 'node', footer: { js: '// a plaintext of a test' }`,
      LITERAL,
    )
    expect(text).toContain('✘ [ERROR]')
    expect([times(text, '[LEAK]'), times(text, '[PLAINTEXT_LITERAL]')]).toEqual([1, 0])
    expect(text).not.toContain('a plaintext of a test')
  })

  it.each(['build', 'context'] as const)('prints a warning once under %s', async (how) => {
    const text = await printed(how, `platform: 'node'`, LITERAL)
    expect(text).toContain('▲ [WARNING]')
    expect(times(text, '[PLAINTEXT_LITERAL]')).toBe(1)
  })

  it('prints the error for a mark in a browser bundle', async () => {
    const text = await printed('build', `platform: 'browser'`, LITERAL)
    expect(times(text, '[CLIENT_BUNDLE]')).toBe(1)
  })

  it.each([
    [`logLevel: 'error'`, 0],
    [`logLevel: 'silent'`, 0],
    [`logLevel: 'info'`, 1],
  ])('prints the warnings that %s allows', async (level, count) => {
    const text = await printed('build', `platform: 'node', ${level}`, LITERAL)
    expect(times(text, '[PLAINTEXT_LITERAL]')).toBe(count)
  })

  it('prints no error with logLevel silent', async () => {
    const footer = `footer: { js: '// a plaintext of a test' }`
    expect(await printed('build', `platform: 'node', logLevel: 'silent', ${footer}`, LITERAL)).toBe(
      '',
    )
  })
})
