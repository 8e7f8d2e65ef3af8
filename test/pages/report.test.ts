/// <reference lib="dom" />
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspect } from '../../src/inspect/inspect.js'
import { importersIn } from '../../src/inspect/imports.js'
import { entriesOf, pictureOf } from '../../src/pages/picture.js'
import { reportPage } from '../../src/pages/report-page.js'
import { decryptRequestsIn } from '../../src/policy/decrypt-requests.js'
import { decryptStatements } from '../../src/policy/runtime-policy.js'
import { BUNDLES } from '../../fixtures/orders/bundle.mjs'
import { opened, sealed, small } from '../inspect/sealed.js'
import { filesIn, localPair, project, secretsFile } from '../support/project.js'
import { browserOf, hasChromium, inChromium, violations } from './browser.js'

async function reportOf(files: Record<string, string>) {
  const root = await project(
    Object.fromEntries(Object.entries(files).map(([name, code]) => [`dist/${name}`, code])),
  )
  const dist = join(root, 'dist')
  const inspection = await inspect(dist)
  const importersOf = await importersIn([dist])
  const statements = decryptStatements(decryptRequestsIn(inspection))
  const html = await reportPage({ paths: ['dist'], inspection, statements, importersOf })
  const path = join(root, 'report.html')
  await writeFile(path, html)
  return { html, path, inspection, importersOf }
}

/** 500 secrets in 200 chunks, which four entries import. */
async function large() {
  const pair = localPair()
  const token = await sealed(pair)
  const files: Record<string, string> = {
    'shim.js': `export const open = ${opened(pair)};\n`,
  }
  for (let chunk = 0; chunk < 200; chunk++) {
    let code = `import { open } from './shim.js'\n`
    for (let n = chunk * 2; n < chunk * 2 + 3; n++)
      if (n < 500) code += `export const s${n} = open("${token}", "SECRET_${n}_OF_${chunk}");\n`
    files[`chunk-${chunk}.js`] = code
  }
  for (let entry = 0; entry < 4; entry++)
    files[`entry-${entry}.js`] = Array.from(
      { length: 50 },
      (_, index) => `import("./chunk-${entry * 50 + index}.js")`,
    ).join('\n')
  return files
}

const PLAINTEXT = 'planted-orders-value-3K'

/** The orders function, built by esbuild with a secrets file of its own. */
async function orders() {
  const root = await project({})
  const secretsFilePath = join(root, 'kms-secrets.json')
  const names = ['PAYMENT_WEBHOOK_SECRET', 'DB_PASSWORD']
  await secretsFile(secretsFilePath, Object.fromEntries(names.map((name) => [name, PLAINTEXT])))
  await BUNDLES['esbuild, ESM']!.bundle(join(root, 'dist'), {
    secretsFile: secretsFilePath,
    env: Object.fromEntries(names.map((name) => [name, PLAINTEXT])),
    plaintextLiterals: 'allow',
  })
  return filesIn(join(root, 'dist'))
}

const HOSTILE = '<img src=x onerror=document.title=1>"\'`\u202e</script>'

describe('a report', () => {
  it('shows which entry loads the chunk of a secret', async () => {
    const { code } = await small()
    const { inspection, importersOf } = await reportOf({
      'chunk.js': code,
      'entry.js': `import{p}from"./chunk.js";export default p`,
      'lazy.js': `const load=()=>import('./entry.js')`,
    })
    const [secret] = inspection.secrets
    expect(entriesOf(secret!.chunks[0]!, importersOf)).toEqual(['lazy.js'])
    const { nodes } = pictureOf(inspection.secrets, importersOf)
    expect(nodes.map(({ column, names }) => [column, names[0]])).toEqual(
      expect.arrayContaining([
        [0, 'lazy.js'],
        [1, 'chunk.js'],
        [2, 'DB_PASSWORD'],
        [3, secret!.fingerprint],
        [4, secret!.keys[0]],
      ]),
    )
  })

  it('groups hundreds of secrets by the entries that load them', async () => {
    const { inspection, importersOf } = await reportOf(await large())
    const { nodes } = pictureOf(inspection.secrets, importersOf)
    expect(inspection.secrets).toHaveLength(600)
    const boxes = nodes.filter(({ column }) => column === 2)
    expect(boxes.map(({ names }) => names.length)).toEqual([150, 150, 150, 150])
  })

  it('can be compared with a later bundle', async () => {
    const { code } = await small()
    const { path } = await reportOf({ 'a.js': code })
    const { path: later } = await reportOf({ 'a.js': code.replace('DB_PASSWORD', 'RENAMED') })
    const dist = join(later, '../dist')
    const { against } = await inspect(dist, { against: path })
    expect(against!.differences.map(({ name, what }) => [name, what])).toEqual([
      ['DB_PASSWORD', 'missing'],
      ['RENAMED', 'added'],
    ])
    expect((await inspect(dist, { against: later })).against!.agrees).toBe(true)
  })

  it('shows the functions of the orders fixture', async () => {
    const { html } = await reportOf(await orders())
    for (const name of ['PAYMENT_WEBHOOK_SECRET', 'DB_PASSWORD']) expect(html).toContain(name)
    expect(html).not.toContain(PLAINTEXT)
  })

  it('allows no script and no style but its own, and no request', async () => {
    const { code } = await small()
    const { html } = await reportOf({ 'a.js': code })
    expect(html).toMatch(
      /content="default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'"/,
    )
    expect(html).not.toMatch(/\b(?:src|href)=/)
  })

  it('escapes names of hostile bundles', async () => {
    const pair = localPair()
    const token = await sealed(pair)
    const { html } = await reportOf({
      'a.js': `const open = ${opened(pair)};export const p = open("${token}", ${JSON.stringify(HOSTILE)});`,
    })
    expect(html).not.toContain('<img')
    expect(html).toContain('&lt;img src=x onerror=document.title=1&gt;')
    expect(html).not.toContain('\u202e')
  })
})

describe.skipIf(!hasChromium)(`a report ${inChromium}`, () => {
  const open = browserOf()

  it('loads nothing and reports no error', async () => {
    const { code } = await small()
    const { path } = await reportOf({ 'a.js': code })
    const { page, requests, messages } = await open(path)
    expect(await page.textContent('h1')).toBe('Secrets in dist')
    expect(requests).toEqual([])
    expect(messages).toEqual([])
  })

  it('runs nothing that the name of a secret contains', async () => {
    const pair = localPair()
    const token = await sealed(pair)
    const { path } = await reportOf({
      'a.js': `const open = ${opened(pair)};export const p = open("${token}", ${JSON.stringify(HOSTILE)});`,
    })
    const { page, requests, messages } = await open(path)
    expect(await page.title()).toBe('Secrets in dist')
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.textContent('tbody th')).toContain('<img src=x onerror=document.title=1>')
    expect([...requests, ...messages]).toEqual([])
  })

  it('filters and sorts the table', async () => {
    const { path } = await reportOf(await large())
    const { page } = await open(path)
    await page.fill('#filter', 'secret_7_of')
    expect(await page.textContent('#shown')).toMatch(/^1 of 600 secrets$/)
    await page.fill('#filter', '')
    await page.click('thead button >> text=Name')
    await page.click('thead button >> text=Name')
    expect(await page.textContent('tbody tr:first-child th')).toBe('SECRET_400_OF_199')
  })

  it('highlights by keyboard what a box depends on', async () => {
    const { code } = await small()
    const { path } = await reportOf({
      'chunk.js': code,
      'one.js': `import './chunk.js'`,
      'two.js': `export const unused = 1`,
    })
    const { page } = await open(path)
    await page.focus('[aria-label^="Secret DB_PASSWORD"]')
    await page.keyboard.press('Enter')
    const chosen = await page.locator('.box.is-chosen').allTextContents()
    expect(chosen).toHaveLength(5)
    await page.keyboard.press('Escape')
    expect(await page.locator('.is-chosen').count()).toBe(0)
  })

  it.each([400, 1600])('has no accessibility violation at a width of %i', async (width) => {
    const { path } = await reportOf(await large())
    const { page } = await open(path, width)
    expect(await violations(page)).toEqual([])
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(overflow).toBeLessThanOrEqual(width)
    await mkdir('.cache/screenshots', { recursive: true })
    await page.screenshot({ path: `.cache/screenshots/report-${width}.png` })
  })
})
