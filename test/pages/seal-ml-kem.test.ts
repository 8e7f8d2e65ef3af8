/// <reference lib="dom" />
import { execFile } from 'node:child_process'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicKeyDigest } from '../../src/crypto/data-key-pair.js'
import { decodeToken, tokenSuite, type Token } from '../../src/crypto/token.js'
import { workspace, type Workspace } from '../cli/cli.js'
import { mlKemNode, withMlKem } from '../support/ml-kem-node.js'
import { browserOf, hasChromium, inChromium, violations } from './browser.js'
import { bundledValue, ran, sealerIn } from './sealing.js'
import { shareOf } from '../support/combinations.js'

const VALUE = 'planted-page-value-8K é\n'

describe.skipIf(!hasChromium)(`the page that seals to an ML-KEM pair, ${inChromium}`, () => {
  const open = browserOf()
  const sealIn = sealerIn(open)
  let kms: Awaited<ReturnType<typeof startLocalKms>>
  let at: Workspace

  beforeAll(async () => {
    kms = await startLocalKms()
    await kms.createKey({ alias: 'alias/app' })
    at = await workspace()
    Object.assign(at.env, kms.env)
    await ran(at, 'init', '--key', 'alias/app', '--context', 'app=orders', '--post-quantum')
    await ran(at, 'page')
    await ran(at, 'init', '--key', 'alias/app', '--file', 'p256.json')
    await ran(at, 'page', '--file', 'p256.json', '--out', 'p256.html')
  })
  afterAll(() => kms.close())

  it('seals a value that set --token stores and get decrypts', async () => {
    const { page, token, requests, messages } = await sealIn(at.path('seal.html'), 'API_KEY', VALUE)
    expect(await page.inputValue('#value')).toBe('')
    expect(await page.inputValue('#line')).toBe(`"API_KEY": "${token}"`)
    expect([...requests, ...messages]).toEqual([])
    await ran(at, 'set', 'API_KEY', '--token', token)
    expect((await ran(at, 'get', 'API_KEY')).stdout).toBe(VALUE)
    const { current } = JSON.parse(await readFile(at.path('kms-secrets.json'), 'utf8'))
    const decoded = decodeToken(token) as Token
    expect(decoded).toMatchObject({ kind: 'named', fingerprint: current })
    expect(tokenSuite(decoded)).toBe('ML-KEM-1024')
  })

  it('binds the token to its name', async () => {
    const { token } = await sealIn(at.path('seal.html'), 'ONE', VALUE)
    await ran(at, 'set', 'OTHER', '--token', token)
    expect(await at.cli(['get', 'OTHER'])).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('OPEN_FAILED'),
    })
    await ran(at, 'unset', 'OTHER')
  })

  it.skipIf(!mlKemNode)(`seals a value that a bundle opens, ${withMlKem}`, async () => {
    const { token } = await sealIn(at.path('seal.html'), 'IN_A_BUNDLE', VALUE)
    await ran(at, 'set', 'IN_A_BUNDLE', '--token', token)
    expect(await bundledValue(at, 'IN_A_BUNDLE', mlKemNode)).toBe(VALUE)
  })

  it('seals a file byte for byte', async () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0, 0xff, 13, 10])
    await writeFile(at.path('value.bin'), bytes)
    const { page } = await open(at.path('seal.html'))
    await page.fill('#name', 'BYTES')
    await page.setInputFiles('#file', at.path('value.bin'))
    await page.click('button[type=submit]')
    await page.waitForSelector('#result:not([hidden])')
    await ran(at, 'set', 'BYTES', '--token', await page.inputValue('#token'))
    const [command, ...args] = at.command(['get', 'BYTES'])
    const options = { cwd: at.folder, env: at.env, encoding: 'buffer' } as const
    expect((await promisify(execFile)(command!, args, options)).stdout).toEqual(bytes)
  })

  it('names the kind of its public key, and contains one HPKE library only', async () => {
    const texts = await Promise.all(
      ['seal.html', 'p256.html'].map((name) => readFile(at.path(name), 'utf8')),
    )
    const kinds = await Promise.all(
      ['seal.html', 'p256.html'].map(async (name) =>
        (await open(at.path(name))).page.textContent('dl.facts'),
      ),
    )
    expect(kinds[0]).toContain('ML-KEM-1024 (post-quantum)')
    expect(kinds[1]).toMatch(/P-256\s/)
    expect(texts.map((text) => /keccak|ML-KEM-1024/.test(text))).toEqual([true, false])
    expect(texts.map((text) => text.includes('P-256'))).toEqual([false, true])
    expect((await stat(at.path('p256.html'))).size).toBeLessThan(70_000)
  })

  describe.each([
    ['seal.html', 'p256.html', 'ML-KEM-1024'],
    ['p256.html', 'seal.html', 'P-256'],
  ])('%s, whose public key was replaced by that of %s', (name, other, kind) => {
    async function replaced(alsoPin: boolean) {
      const [own, foreign] = await Promise.all(
        [name, other].map((page) => readFile(at.path(page), 'utf8')),
      )
      const keyOf = (html: string) => /"publicKey":"([^"]+)"/.exec(html)![1]!
      const pinOf = (html: string) => publicKeyDigest(Buffer.from(keyOf(html), 'base64'))
      const html = own!.replace(keyOf(own!), keyOf(foreign!))
      const path = at.path(`replaced-${alsoPin}-${name}`)
      await writeFile(path, alsoPin ? html.replaceAll(pinOf(own!), pinOf(foreign!)) : html)
      return (await open(path)).page
    }

    it('does not seal under the pin of the other key', async () => {
      const page = await replaced(false)
      expect(await page.textContent('#problem')).toContain('does not have the pin')
      expect(await page.isVisible('form')).toBe(false)
    })

    it('does not seal to a key of another suite under its own pin', async () => {
      const page = await replaced(true)
      await page.waitForSelector('#problem:not([hidden])')
      expect(await page.textContent('#problem')).toBe(
        `The public key of this page is not for ${kind}. Do not use this page.`,
      )
      expect(await page.isVisible('form')).toBe(false)
      // As a page whose own check was removed too.
      await page.evaluate(() => {
        document.querySelector('form')!.hidden = false
      })
      await page.fill('#name', 'API_KEY')
      await page.fill('#value', VALUE)
      await page.click('button[type=submit]')
      await page.waitForFunction(() =>
        document.querySelector('#problem')!.textContent!.startsWith('The public key is not'),
      )
      expect(await page.inputValue('#token')).toBe('')
      expect(await page.inputValue('#value')).toBe(VALUE)
    })
  })

  it.each(shareOf([400, 1000], 1, 2))(
    'has no accessibility violation at a width of %i',
    async (width) => {
      const { page } = await sealIn(at.path('seal.html'), 'SHOWN', VALUE)
      await page.setViewportSize({ width, height: 900 })
      await mkdir('.cache/screenshots', { recursive: true })
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect(await violations(page)).toEqual([])
        const path = `.cache/screenshots/seal-ml-kem-${width}-${colorScheme}.png`
        await page.screenshot({ path, fullPage: true })
      }
    },
  )
})
