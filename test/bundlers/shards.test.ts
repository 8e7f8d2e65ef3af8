import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HOSTS } from './hosts.js'

it.for(['adversarial', 'both-ways', 'matrix'])(
  '%s has one test file per bundler',
  async (folder) => {
    const files = await readdir(join(import.meta.dirname, folder))
    const tests = files.filter((file) => file.endsWith('.test.ts'))
    expect(tests.sort()).toEqual(
      Object.keys(HOSTS)
        .map((host) => `${host}.test.ts`)
        .sort(),
    )
  },
)
