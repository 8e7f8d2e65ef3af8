import { symlink } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { workspace, type Workspace } from '../cli/cli.js'
import { small } from './sealed.js'

const MANIFEST = JSON.stringify({ version: 1, secrets: [], notSearchedFor: {} })
const ODD = String.raw`\u001b[2J\n\u009b\t\u202eX`
let shop: Workspace
let fingerprint: string

beforeAll(async () => {
  const { code, token, pair } = await small()
  fingerprint = pair.fingerprint
  shop = await workspace({
    'dist/main.mjs': code,
    'odd/main.mjs': code.replace('DB_PASSWORD', ODD),
    'odd/b\u001b[31m\n.mjs': `${code.replace('DB_PASSWORD', ODD)}; open("${token.slice(0, 59)}", "CUT")`,
    'cut/main.mjs': `open("${token.slice(0, 59)}", "CUT")`,
    'kms-manifest.json': MANIFEST,
    'empty/readme.txt': '',
    'linked/readme.txt': '',
  })
  await symlink('../dist/main.mjs', shop.path('linked/main.mjs'))
})

describe('unplugin-kms inspect', () => {
  it('prints one line per secret with tabs in a pipe, and needs no AWS', async () => {
    const { stdout, stderr, code } = await shop.cli(['inspect', 'dist'])
    expect([code, stderr]).toEqual([0, ''])
    const [header, line] = stdout.trimEnd().split('\n')
    expect(header).toBe('NAME\tKIND\tFORMAT\tMODE\tSIZE\tFINGERPRINT\tKEYS\tCONTEXT\tIN\tSUITE')
    expect(line!.split('\t')).toEqual([
      'DB_PASSWORD',
      'literal',
      'text',
      'envelope',
      '23',
      fingerprint,
      expect.stringMatching(/^arn:aws:kms:/),
      '-',
      'main.mjs',
      'P-256',
    ])
  })

  it('prints JSON for programs', async () => {
    const { stdout, code } = await shop.cli(['inspect', 'dist', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      files: 1,
      secrets: [{ name: 'DB_PASSWORD', fingerprint }],
    })
  })

  it('exits with 1 and prints the differences of a bundle from its manifest', async () => {
    const { stderr, code } = await shop.cli(['inspect', 'dist', '--against', 'kms-manifest.json'])
    expect(code).toBe(1)
    expect(stderr).toContain('DB_PASSWORD is in the bundle, and not in the manifest')
  })

  it('exits with 0 if the bundle agrees with its manifest', async () => {
    const { code } = await shop.cli(['inspect', 'empty', '--against', 'kms-manifest.json'])
    expect(code).toBe(0)
  })

  it('exits with 1 for a malformed token', async () => {
    const { stderr, code } = await shop.cli(['inspect', 'cut'])
    expect(code).toBe(1)
    expect(stderr).toContain('token in main.mjs: it is too short')
  })

  it('exits with 4 for a path that cannot be read, and with 2 without a path', async () => {
    expect((await shop.cli(['inspect', 'nothing'])).code).toBe(4)
    expect((await shop.cli(['inspect'])).code).toBe(2)
  })

  it('reports that a bundle contains no secrets', async () => {
    const { stdout, stderr } = await shop.cli(['inspect', 'empty'])
    expect([stdout, stderr]).toEqual(['', '0 secrets in 1 file\n'])
  })

  it('reports a link that points out of the folder, and does not follow it', async () => {
    const { stderr } = await shop.cli(['inspect', 'linked'])
    expect(stderr).toContain('not read, because links point out of the folder: main.mjs\n')
  })

  it('escapes control, line break and direction characters in names', async () => {
    const args = ['odd', '--against', 'kms-manifest.json']
    const { stdout, stderr } = await shop.cli(['inspect', ...args])
    expect(stdout).toContain(String.raw`\u001b[2J\u000a\u009b\u0009\u202eX`)
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(stderr).toMatch(/several chunks: \\u001b.*\n.*broken.* token in b\\u001b/)
    expect(stderr).toContain('X is in the bundle, and not in the manifest')
    const json = await shop.cli(['inspect', ...args, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      secrets: [{ name: '\u001b[2J\n\u009b\t\u202eX' }],
    })
    for (const text of [stdout, stderr, json.stdout])
      expect(text.replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})
