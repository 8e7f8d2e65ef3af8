import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Returns the files that `npm pack` would publish. */
function packed(): string[] {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }]
  return files.map(({ path }) => path)
}

/** Returns a declaration file and all that it imports. */
function reachable(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found
  found.add(path)
  const text = readFileSync(join(root, path), 'utf8')
  for (const [, imported = ''] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g)) {
    reachable(join(dirname(path), `${imported}.d.ts`), found)
  }
  return found
}

it.skipIf(!existsSync(join(root, 'dist/index.d.ts')))(
  'publishes every declaration that its entries import (needs a build)',
  () => {
    const files = packed()
    const declarations = ['dist/index.d.ts', 'dist/policy/index.d.ts'].flatMap((entry) => [
      ...reachable(entry),
    ])
    expect(declarations.length).toBeGreaterThan(10)
    expect(files).toEqual(expect.arrayContaining(declarations))
  },
)
