/// <reference lib="dom" />
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeToken } from '../../src/crypto/token.js'
import { inspect } from '../../src/inspect/inspect.js'
import { outputGraph } from '../../src/inspect/imports.js'
import { entriesOf, pictureOf } from '../../src/pages/picture.js'
import { reportPage } from '../../src/pages/report-page.js'
import { decryptRequestsIn } from '../../src/policy/decrypt-requests.js'
import { decryptStatements } from '../../src/policy/runtime-policy.js'
import { BUNDLES } from '../../fixtures/orders/bundle.mjs'
import { readSecretsFile } from '../../src/secrets-file/parse.js'
import { opened, sealed, small } from '../inspect/sealed.js'
import { filesIn, localPair, project, secretsFile } from '../support/project.js'
import { shareOf } from '../support/combinations.js'
import { browserOf, hasChromium, inChromium, violations } from './browser.js'

async function reportOf(files: Record<string, string>, options: { secretsFile?: string } = {}) {
  const root = await project(
    Object.fromEntries(Object.entries(files).map(([name, code]) => [`dist/${name}`, code])),
  )
  const dist = join(root, 'dist')
  const inspection = await inspect(dist, options)
  const graph = await outputGraph([dist])
  const statements = decryptStatements(decryptRequestsIn(inspection))
  const html = await reportPage({ paths: ['dist'], inspection, statements, graph })
  const path = join(root, 'report.html')
  await writeFile(path, html)
  return { html, path, inspection, graph }
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
    const { inspection, graph } = await reportOf({
      'chunk.js': code,
      'entry.js': `import{p}from"./chunk.js";export default p`,
      'lazy.js': `const load=()=>import('./entry.js')`,
    })
    const [secret] = inspection.secrets
    expect(entriesOf(secret!.chunks[0]!, graph.importersOf)).toEqual(['lazy.js'])
    const { nodes } = pictureOf(inspection, graph)
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

  it('shows sizes, and with a secrets file the scope of each pair', async () => {
    const root = await project({})
    const path = join(root, 'kms-secrets.json')
    await secretsFile(path, { DB_PASSWORD: PLAINTEXT })
    const { pairs, secrets } = (await readSecretsFile(path))!
    const token = secrets.get('DB_PASSWORD')!
    const code = `const open = ${opened(pairs.get(token.fingerprint)!)};open("${encodeToken(token)}", "DB_PASSWORD");`
    const padded = code.padEnd(120_000, ' ')
    const details = ({ inspection, graph }: Awaited<ReturnType<typeof reportOf>>) =>
      pictureOf(inspection, graph).nodes.map(({ column, detail }) => [column, detail])
    const withFile = await reportOf({ 'a.js': padded }, { secretsFile: path })
    expect(details(withFile)).toEqual([
      [2, '39 B sealed'],
      [1, '120 kB'],
      [0, '120 kB'],
      [3, 'scope default'],
      [4, expect.stringMatching(/^[a-z]+-[a-z]+-\d, \d{12}$/)],
    ])
    expect(withFile.html).toMatch(/>Scope<[^]*<td>default<\/td>/)
    const without = await reportOf({ 'a.js': padded })
    expect(details(without)[3]).toEqual([3, 'no context'])
    expect(without.html).not.toContain('>Scope<')
  })

  it('writes the policy as lines', async () => {
    const { code } = await small()
    const { html } = await reportOf({ 'a.js': code })
    expect(html).toContain('\n{\n  &quot;Version&quot;: &quot;2012-10-17&quot;,\n')
  })

  it('groups hundreds of secrets by the entries that load them', async () => {
    const { inspection, graph } = await reportOf(await large())
    const { nodes } = pictureOf(inspection, graph)
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
    await page.focus('[aria-label^="DB_PASSWORD"]')
    await page.keyboard.press('Enter')
    const chosen = await page.locator('.box.is-chosen').allTextContents()
    expect(chosen).toHaveLength(5)
    await page.keyboard.press('Escape')
    expect(await page.locator('.is-chosen').count()).toBe(0)
  })

  it('prints all columns, all lines of the policy, and what is folded', async () => {
    const { code } = await small()
    const files = { 'a.js': code, 'b.js': code }
    const { path } = await reportOf(files)
    const { page } = await open(path, 1045)
    await page.emulateMedia({ media: 'print' })
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('main, .scrolls, pre, table, td, svg')].flatMap((element) =>
        element.scrollWidth > element.clientWidth + 1 ||
        element.getBoundingClientRect().right > innerWidth
          ? element.outerHTML.slice(0, 60)
          : [],
      ),
    )
    expect(cut).toEqual([])
    expect(await page.isVisible('thead >> text=KMS keys')).toBe(true)
    for (const text of ['DB_PASSWORD is in 2 chunks.', '"Action": "kms:Decrypt"'])
      expect(await page.getByText(text).isVisible(), text).toBe(true)
    for (const hidden of ['#filter', 'button[data-copies]'])
      expect(await page.isVisible(hidden), hidden).toBe(false)
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
    expect(pdf.match(/\/Type \/Page\b/g)!.length).toBeLessThanOrEqual(3)
  })

  it('prints dark text on white in dark mode', async () => {
    const { code } = await small()
    const { path } = await reportOf({ 'a.js': code })
    const { page } = await open(path)
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    const colours = await page.evaluate(() => {
      const { color, backgroundColor } = getComputedStyle(document.body)
      return [color, backgroundColor]
    })
    expect(colours).toEqual(['rgb(27, 31, 36)', 'rgb(255, 255, 255)'])
  })

  it.each(shareOf([400, 1000, 1600], 0, 3))(
    'has no accessibility violation at a width of %i',
    async (width) => {
      const { path } = await reportOf(await large())
      const { page } = await open(path, width)
      expect(await violations(page)).toEqual([])
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(overflow).toBeLessThanOrEqual(width)
      await mkdir('.cache/screenshots', { recursive: true })
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        await page.screenshot({ path: `.cache/screenshots/report-${width}-${colorScheme}.png` })
      }
    },
  )

  it('has no accessibility violation in dark mode', async () => {
    const { code } = await small()
    const { path } = await reportOf({ 'a.js': code })
    const { page } = await open(path)
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(page)).toEqual([])
  })
})
