import { execFileSync } from 'node:child_process'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { workspace, type Workspace } from './cli.js'

const VALUE = 'correct-horse-battery'

function git(space: Workspace, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
    cwd: space.folder,
    env: space.env,
    encoding: 'utf8',
  })
}

async function repository(files: Record<string, string> = {}) {
  const space = await workspace({ '.gitignore': '.env\n', '.env': `A='${VALUE}'\n`, ...files })
  git(space, 'init', '-q')
  return space
}

const MODULE = `import { secret } from 'unplugin-kms/secret'\nexport const a = secret('a plaintext of a test')\n`

describe('scan --staged', () => {
  it('finds values of .env files and plaintext literals in staged files, without AWS', async () => {
    const space = await repository({ 'config.json': `{ "a": "${VALUE}" }`, 'src/a.ts': MODULE })
    git(space, 'add', '-A')
    const { code, stdout } = await space.cli(['scan', '--staged'])
    expect(code).toBe(1)
    expect(stdout).toContain('A (as it is) in config.json:1:')
    expect(stdout).toContain('src/a.ts:2:18  plaintext literal')
    expect(stdout).not.toMatch(/correct-horse|a plaintext of/)
  })

  it('reads the staged content, not that of the working tree', async () => {
    const space = await repository({ 'a.txt': VALUE })
    git(space, 'add', 'a.txt')
    await writeFile(space.path('a.txt'), 'clean')
    expect((await space.cli(['scan', '--staged'])).code).toBe(1)
    git(space, 'add', 'a.txt')
    await writeFile(space.path('a.txt'), VALUE)
    expect(await space.cli(['scan', '--staged'])).toMatchObject({
      code: 0,
      stdout: '0 findings in 1 file; searched for 1 value\n',
    })
  })

  it('prints SARIF with the place of each finding', async () => {
    const space = await repository({ 'src/a b.ts': MODULE })
    git(space, 'add', '-A')
    const { code, stdout } = await space.cli(['scan', '--staged', '--sarif'])
    const { version, runs } = JSON.parse(stdout)
    expect([code, version, runs[0].tool.driver.name]).toEqual([1, '2.1.0', 'unplugin-kms'])
    expect(runs[0].results).toEqual([
      {
        ruleId: 'plaintext-literal',
        level: 'error',
        message: { text: expect.stringContaining('plaintext literal') },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'src/a%20b.ts' },
              region: { startLine: 2, startColumn: 18 },
            },
          },
        ],
      },
    ])
  })

  it('is a usage error next to a folder, or without one', async () => {
    const space = await repository()
    expect((await space.cli(['scan', 'dist', '--staged'])).code).toBe(2)
    expect((await space.cli(['scan'])).code).toBe(2)
  })
})

describe('scan --install-hook', () => {
  /** Puts this program in the place of npx. */
  async function commit(space: Workspace) {
    await mkdir(space.path('bin'))
    const npx = `#!/bin/sh\nshift\nexec ${space.command([]).join(' ')} "$@"\n`
    await writeFile(space.path('bin/npx'), npx, { mode: 0o755 })
    git(space, 'add', '-A')
    const env = { ...space.env, PATH: `${space.path('bin')}:${space.env.PATH}` }
    const args = ['-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'a']
    execFileSync('git', args, { cwd: space.folder, env, stdio: 'pipe' })
  }

  it('makes git reject a commit with a plaintext, in a repository without a hook manager', async () => {
    const space = await repository({ 'src/a.ts': MODULE })
    expect(await space.cli(['scan', '--install-hook'])).toMatchObject({ code: 0 })
    await expect(commit(space)).rejects.toThrow()
    await expect(Promise.resolve().then(() => git(space, 'log'))).rejects.toThrow()
  })

  it('lets a commit without one pass, and keeps a hook that exists', async () => {
    const space = await repository({ 'a.txt': 'clean' })
    const hook = space.path('.git/hooks/pre-commit')
    await mkdir(space.path('.git/hooks'), { recursive: true })
    await writeFile(hook, '#!/bin/sh\ntouch first-hook-ran')
    for (let times = 0; times < 2; times++) await space.cli(['scan', '--install-hook'])
    await commit(space)
    expect(git(space, 'log', '--format=%s')).toBe('a\n')
    expect((await stat(space.path('first-hook-ran'))).isFile()).toBe(true)
    expect((await readFile(hook, 'utf8')).split('scan --staged')).toHaveLength(2)
  })

  it('uses husky and lefthook if the repository does', async () => {
    const husky = await repository({ '.husky/pre-commit': 'npm test\n' })
    await husky.cli(['scan', '--install-hook'])
    expect(await readFile(husky.path('.husky/pre-commit'), 'utf8')).toBe(
      'npm test\nnpx unplugin-kms scan --staged || exit 1\n',
    )
    const lefthook = await repository({ 'lefthook.yml': 'colors: true\n' })
    await lefthook.cli(['scan', '--install-hook'])
    expect(await readFile(lefthook.path('lefthook.yml'), 'utf8')).toContain(
      'pre-commit:\n  commands:\n    unplugin-kms:\n      run: npx unplugin-kms scan --staged\n',
    )
    const present = await repository({ 'lefthook.yml': 'pre-commit:\n  commands: {}\n' })
    const { stdout } = await present.cli(['scan', '--install-hook'])
    expect(stdout).toContain('add to ')
    expect(await readFile(present.path('lefthook.yml'), 'utf8')).toBe(
      'pre-commit:\n  commands: {}\n',
    )
  })
})
