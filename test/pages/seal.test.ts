/// <reference lib="dom" />
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aad, decodeToken, INFO, type Token } from '../../src/crypto/token.js'
import { workspace, type Workspace } from '../cli/cli.js'
import { shareOf } from '../support/combinations.js'
import { browserOf, hasChromium, inChromium, violations } from './browser.js'
import { bundledValue, ran, sealerIn } from './sealing.js'

const HOSTILE = '<img src=x onerror=document.title=1></script>'
const VALUE = 'planted-page-value-7Q é\n'

describe.skipIf(!hasChromium)(`the page that seals, ${inChromium}`, () => {
  const open = browserOf()
  const sealIn = sealerIn(open)
  let kms: Awaited<ReturnType<typeof startLocalKms>>
  let at: Workspace
  let page: string

  beforeAll(async () => {
    kms = await startLocalKms()
    await kms.createKey({ alias: 'alias/app' })
    at = await workspace()
    Object.assign(at.env, kms.env)
    await ran(at, 'init', '--key', 'alias/app', '--context', 'app=orders')
    await ran(at, 'page')
    page = at.path('seal.html')
  })
  afterAll(() => kms.close())

  it('seals a value that set --token stores and get decrypts', async () => {
    const { page: opened, token, requests, messages } = await sealIn(page, 'API_KEY', VALUE)
    expect(await opened.inputValue('#value')).toBe('')
    expect(await opened.inputValue('#line')).toBe(`"API_KEY": "${token}"`)
    expect([...requests, ...messages]).toEqual([])
    await ran(at, 'set', 'API_KEY', '--token', token)
    expect((await ran(at, 'get', 'API_KEY')).stdout).toBe(VALUE)
  })

  it('seals a value that the shim of a bundle opens', async () => {
    const { token } = await sealIn(page, 'IN_A_BUNDLE', VALUE)
    await ran(at, 'set', 'IN_A_BUNDLE', '--token', token)
    expect(await bundledValue(at, 'IN_A_BUNDLE')).toBe(VALUE)
  })

  it('binds the token to its name', async () => {
    const { token } = await sealIn(page, 'ONE', VALUE)
    await ran(at, 'set', 'OTHER', '--token', token)
    const result = await at.cli(['get', 'OTHER'])
    expect(result.stderr).toContain('OPEN_FAILED')
    expect(result.stdout).toBe('')
    await ran(at, 'unset', 'OTHER')
  })

  it('shows the pin in the words that the command prints', async () => {
    const { stderr } = await ran(at, 'page', '--out', 'again.html')
    const { page: opened } = await open(at.path('again.html'))
    const words = await opened.locator('#words li').allTextContents()
    expect(words).toHaveLength(24)
    expect(stderr.replace(/\s+/g, ' ')).toContain(words.join(' '))
  })

  it('does not seal if its public key was replaced under the same pin', async () => {
    const foreign = await foreignPage()
    const { page: opened } = await open(foreign)
    expect(await opened.textContent('#problem')).toContain('Do not use this page')
    expect(await opened.isVisible('form')).toBe(false)
  })

  it('makes tokens of a replaced public key that set --token rejects', async () => {
    const foreign = await foreignPage()
    const { page: opened } = await open(foreign)
    // As a page whose own check was removed too.
    await opened.evaluate(() => {
      document.querySelector('form')!.hidden = false
    })
    await opened.fill('#name', 'API_KEY')
    await opened.fill('#value', VALUE)
    await opened.click('button[type=submit]')
    await opened.waitForSelector('#result:not([hidden])')
    const before = await readFile(at.path('kms-secrets.json'), 'utf8')
    const result = await at.cli(['set', 'API_KEY', '--token', await opened.inputValue('#token')])
    expect(result.stderr).toContain('[TOKEN_FOREIGN]')
    expect(result.code).toBe(4)
    expect(await readFile(at.path('kms-secrets.json'), 'utf8')).toBe(before)
  })

  /** The page with another public key, and the pin of the right one. */
  async function foreignPage() {
    const folder = await mkdtemp(at.path('foreign-'))
    const file = join(folder, 'kms-secrets.json')
    await ran(at, 'init', '--key', 'alias/app', '--file', file)
    await ran(at, 'page', '--file', file, '--out', join(folder, 'seal.html'))
    const [own, other] = await Promise.all(
      [page, join(folder, 'seal.html')].map((path) => readFile(path, 'utf8')),
    )
    const keyOf = (html: string) => /"publicKey":"([^"]+)"/.exec(html)![1]!
    const path = join(folder, 'replaced.html')
    await writeFile(path, own!.replace(keyOf(own!), keyOf(other!)))
    return path
  }

  it.each(['', ' PADDED', 'a=b'])('rejects the name %j and keeps the value', async (name) => {
    const { page: opened } = await open(page)
    await opened.evaluate(() => document.querySelector('#name')!.removeAttribute('required'))
    await opened.fill('#name', name)
    await opened.fill('#value', VALUE)
    await opened.click('button[type=submit]')
    await opened.waitForSelector('#problem:not([hidden])')
    expect(await opened.textContent('#problem')).toContain('not a valid name')
    expect(await opened.inputValue('#value')).toBe(VALUE)
  })

  it('seals a file byte for byte', async () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0, 0xff, 13, 10])
    await writeFile(at.path('value.bin'), bytes)
    const { page: opened } = await open(page)
    await opened.fill('#name', 'BYTES')
    await opened.setInputFiles('#file', at.path('value.bin'))
    await opened.click('button[type=submit]')
    await opened.waitForSelector('#result:not([hidden])')
    await ran(at, 'set', 'BYTES', '--token', await opened.inputValue('#token'))
    const [command, ...args] = at.command(['get', 'BYTES'])
    const { stdout } = await promisify(execFile)(command!, args, {
      cwd: at.folder,
      env: at.env,
      encoding: 'buffer',
    })
    expect(stdout).toEqual(bytes)
  })

  it('sends nothing: its policy blocks every request', async () => {
    let received = 0
    const server = createServer((_, response) => {
      received++
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { page: opened } = await open(page)
    const outcomes = await opened.evaluate(async (url) => {
      const image = new Promise<string>((resolve) => {
        const element = new Image()
        element.addEventListener('load', () => resolve('loaded'))
        element.addEventListener('error', () => resolve('blocked'))
        element.src = url
      })
      const request = fetch(url, { mode: 'no-cors' }).then(
        () => 'loaded',
        () => 'blocked',
      )
      const form = document.createElement('form')
      form.action = url
      document.body.append(form)
      form.submit()
      return [await image, await request, String(navigator.sendBeacon(url, 'x'))]
    }, `http://127.0.0.1:${port}/`)
    expect(outcomes.slice(0, 2)).toEqual(['blocked', 'blocked'])
    expect(opened.url()).toBe(`file://${page}`)
    expect(received).toBe(0)
    server.close()
  })

  it('stores nothing, and clears the value and the file', async () => {
    await writeFile(at.path('cleared.bin'), 'planted-file-value')
    const { page: opened } = await open(page)
    await opened.fill('#name', 'CLEARED')
    await opened.setInputFiles('#file', at.path('cleared.bin'))
    await opened.click('button[type=submit]')
    await opened.waitForSelector('#result:not([hidden])')
    const left = await opened.evaluate(async () => ({
      files: document.querySelector<HTMLInputElement>('#file')!.files!.length,
      value: document.querySelector<HTMLTextAreaElement>('#value')!.value,
      stored: localStorage.length + sessionStorage.length,
      cookie: document.cookie,
      databases: (await indexedDB.databases()).length,
      autocomplete: document.querySelector('form')!.autocomplete,
    }))
    expect(left).toEqual({
      files: 0,
      value: '',
      stored: 0,
      cookie: '',
      databases: 0,
      autocomplete: 'off',
    })
  })

  it('shows a hostile encryption context as text', async () => {
    const folder = await mkdtemp(at.path('hostile-'))
    const file = join(folder, 'kms-secrets.json')
    await ran(at, 'init', '--key', 'alias/app', '--file', file, '--context', `app=${HOSTILE}`)
    await ran(at, 'page', '--file', file, '--out', join(folder, 'seal.html'))
    const { page: opened, requests, messages } = await open(join(folder, 'seal.html'))
    expect(await opened.textContent('dl.facts')).toContain(`app=${HOSTILE}`)
    expect(await opened.locator('img').count()).toBe(0)
    expect(await opened.title()).toBe('Seal a secret for kms-secrets.json')
    expect([...requests, ...messages]).toEqual([])
  })

  it('contains no private key', async () => {
    const html = await readFile(page, 'utf8')
    const { dataKeyPairs } = JSON.parse(await readFile(at.path('kms-secrets.json'), 'utf8')) as {
      dataKeyPairs: Record<string, { privateKeyCiphertextBlobs: { ciphertextBlob: string }[] }>
    }
    const blobs = Object.values(dataKeyPairs).flatMap((pair) => pair.privateKeyCiphertextBlobs)
    expect(blobs.length).toBeGreaterThan(0)
    for (const { ciphertextBlob } of blobs) expect(html).not.toContain(ciphertextBlob)
    expect(html).not.toContain('arn:aws')
  })

  it.each(shareOf([400, 1000, 1600], 0, 3))(
    'has no accessibility violation at a width of %i',
    async (width) => {
      const { page: opened } = await open(page, width)
      await mkdir('.cache/screenshots', { recursive: true })
      for (const colorScheme of ['light', 'dark'] as const) {
        await opened.emulateMedia({ colorScheme })
        expect(await violations(opened)).toEqual([])
        const path = `.cache/screenshots/seal-${width}-${colorScheme}.png`
        await opened.screenshot({ path, fullPage: true })
      }
    },
  )

  it('computes the messages of RFC 9180 in the browser', async () => {
    // A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode, sequence number 0.
    const script = await bundled(`
      import { Aes128Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
      const hex = (text) => Uint8Array.from(text.match(/../g), (digits) => parseInt(digits, 16))
      const text = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
      globalThis.vector = async ({ pkRm, ikmE, info, aad, pt }) => {
        const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() })
        const recipientPublicKey = await suite.kem.deserializePublicKey(hex(pkRm))
        const ekm = await suite.kem.deriveKeyPair(hex(ikmE).buffer)
        const sender = await suite.createSenderContext({ recipientPublicKey, info: hex(info), ekm })
        return { enc: text(sender.enc), ct: text(await sender.seal(hex(pt), hex(aad))) }
      }`)
    const { page: opened } = await open(page)
    await opened.evaluate(script)
    const result = await opened.evaluate(
      (vector) => (globalThis as unknown as { vector(v: object): Promise<unknown> }).vector(vector),
      {
        pkRm: '04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
        ikmE: '4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e',
        info: '4f6465206f6e2061204772656369616e2055726e',
        aad: '436f756e742d30',
        pt: '4265617574792069732074727574682c20747275746820626561757479',
      },
    )
    expect(result).toEqual({
      enc: '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4',
      ct: '5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434',
    })
  })

  it('writes tokens of the same form as the build', async () => {
    const { token: text } = await sealIn(page, 'NAME', VALUE)
    const token = decodeToken(text) as Token
    const { current } = JSON.parse(await readFile(at.path('kms-secrets.json'), 'utf8')) as {
      current: string
    }
    expect(token).toMatchObject({ kind: 'named', fingerprint: current })
    expect(token.ciphertext).toHaveLength(Buffer.byteLength(VALUE) + 16)
    expect([INFO.toString(), aad('named', 'NAME')[0]]).toEqual(['unplugin-kms/v1', 2])
  })

  async function bundled(contents: string): Promise<string> {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: join(import.meta.dirname, '../..') },
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      target: 'es2022',
    })
    return outputFiles[0]!.text
  }
})
