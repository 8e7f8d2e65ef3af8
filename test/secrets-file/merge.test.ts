import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DataKeyPair } from '../../src/crypto/data-key-pair.js'
import { seal } from '../../src/crypto/seal.js'
import type { Token } from '../../src/crypto/token.js'
import { installMergeDriver, mergeSecretsFiles } from '../../src/index.js'
import { DEFAULT_SCOPE } from '../../src/secrets-file/names.js'
import { parseSecretsFile } from '../../src/secrets-file/parse.js'
import { formatSecretsFile } from '../../src/secrets-file/serialize.js'
import { localPair, project } from '../support/project.js'

const one = localPair()
const two = localPair()
const tokens = new Map<string, Token>()

const scoped = (pair: DataKeyPair) => ({ ...pair, scope: DEFAULT_SCOPE, recovery: [] })

/** A file in which each entry has a value, `A1` say, whose token is always the same. */
async function version(
  entries: Record<string, string>,
  pairs: DataKeyPair[] = [one],
  current = pairs[0]!,
) {
  const secrets = new Map<string, Token>()
  for (const [name, value] of Object.entries(entries)) {
    const key = `${current.fingerprint} ${name} ${value}`
    if (!tokens.has(key)) tokens.set(key, await seal(current, 'named', Buffer.from(value), name))
    secrets.set(name, tokens.get(key)!)
  }
  return formatSecretsFile({
    path: '',
    current: new Map([[DEFAULT_SCOPE, scoped(current)]]),
    pairs: new Map(pairs.map((pair) => [pair.fingerprint, scoped(pair)])),
    secrets,
  })
}
const namesIn = (text: string) => [...parseSecretsFile(text, 'f').secrets.keys()]

describe('merge', () => {
  it('merges additions, changes and deletions, even on adjacent lines', async () => {
    const base = await version({ A: 'a', B: 'b', C: 'c' })
    const ours = await version({ A: 'a2', B: 'b', D: 'd' })
    const theirs = await version({ A: 'a', B: 'b2', C: 'c', E: 'e' })
    const { text, conflicts } = mergeSecretsFiles(base, ours, theirs, 'f')
    expect(conflicts).toEqual([])
    expect(text).toBe(await version({ A: 'a2', B: 'b2', D: 'd', E: 'e' }))
  })

  it('is the same from either side', async () => {
    const [base, ours, theirs] = await Promise.all([
      version({ A: 'a' }),
      version({ A: 'a', B: 'b' }),
      version({}),
    ])
    expect(mergeSecretsFiles(base, ours, theirs, 'f').text).toBe(
      mergeSecretsFiles(base, theirs, ours, 'f').text,
    )
  })

  it('marks an entry that both sides changed, and rejects the file until it is resolved', async () => {
    const { text, conflicts } = mergeSecretsFiles(
      await version({ A: 'a', B: 'b' }),
      await version({ A: 'a1', B: 'b' }),
      await version({ A: 'a2', B: 'b' }),
      'f',
    )
    expect(conflicts).toEqual(['A'])
    expect(text).toMatch(
      /<<<<<<< ours\n {4}"A": "kms:v1:.*",\n=======\n {4}"A": "kms:v1:.*",\n>>>>>>> theirs\n/,
    )
    expect(() => parseSecretsFile(text, 'f')).toThrow(/f:\d+: an unfinished merge/)
    const resolved = text.replace(/<<<<<<< ours\n(.*\n)=======\n.*\n>>>>>>> theirs\n/, '$1')
    expect(resolved).toBe(await version({ A: 'a1', B: 'b' }))
  })

  it('marks an entry that one side deleted and the other changed', async () => {
    expect(
      mergeSecretsFiles(
        await version({ A: 'a' }),
        await version({}),
        await version({ A: 'a2' }),
        'f',
      ).conflicts,
    ).toEqual(['A'])
  })

  it('keeps the pair that a late entry of the other branch needs, though a rotation pruned it', async () => {
    const base = await version({ A: 'a' })
    const rotatedAndPruned = await version({ A: 'a' }, [two])
    const { text, conflicts } = mergeSecretsFiles(
      base,
      rotatedAndPruned,
      await version({ A: 'a', B: 'late' }),
      'f',
    )
    expect(conflicts).toEqual([])
    expect(namesIn(text)).toEqual(['A', 'B'])
    const merged = parseSecretsFile(text, 'f')
    expect([...merged.pairs.keys()].sort()).toEqual([one.fingerprint, two.fingerprint].sort())
    expect(merged.current.get(DEFAULT_SCOPE)?.fingerprint).toBe(two.fingerprint)
  })

  it('leaves rotations on both sides to the user', async () => {
    const three = localPair()
    const { conflicts, text } = mergeSecretsFiles(
      await version({}),
      await version({}, [two, one]),
      await version({}, [three, one]),
      'f',
    )
    expect(conflicts).toEqual(['the data key pairs'])
    expect(() => parseSecretsFile(text, 'f')).toThrow('unfinished merge')
  })

  it('leaves a rotation and a new context on different sides to the user', async () => {
    const context = { stage: 'prod' }
    const moved = await version({}, [{ ...one, encryptionContext: context }])
    expect(
      mergeSecretsFiles(await version({}), moved, await version({}, [two, one]), 'f').conflicts,
    ).toEqual(['the data key pairs'])
  })

  it('merges a file that both sides added', async () => {
    expect(
      namesIn(
        mergeSecretsFiles('', await version({ A: 'a' }), await version({ B: 'b' }), 'f').text,
      ),
    ).toEqual(['A', 'B'])
  })
})

it('is used by git after its installation', async () => {
  const root = await project({
    'kms-secrets.json': await version({ A: 'a', B: 'b' }),
    '.gitattributes': '*.png binary',
  })
  await installMergeDriver(join(root, 'kms-secrets.json')).catch((error) =>
    expect(error.code).toBe('ARGUMENT_INVALID'),
  )
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  git('init', '-qb', 'main')
  await installMergeDriver(join(root, 'kms-secrets.json'))
  await installMergeDriver(join(root, 'kms-secrets.json'))
  expect(await readFile(join(root, '.gitattributes'), 'utf8')).toBe(
    '*.png binary\nkms-secrets.json merge=unplugin-kms\n',
  )
  expect(git('config', 'merge.unplugin-kms.driver')).toBe('npx unplugin-kms merge %O %A %B %P\n')
  expect(git('check-attr', 'merge', 'kms-secrets.json')).toContain('merge: unplugin-kms')
})

it('keeps names of all kinds', async () => {
  const entries = { __proto__x: 'a', 'with "quotes"': 'b', ключ: 'c', '7': 'd' }
  const { text } = mergeSecretsFiles(
    await version({}),
    await version(entries),
    await version({}),
    'f',
  )
  expect(text).toBe(await version(entries))
})
