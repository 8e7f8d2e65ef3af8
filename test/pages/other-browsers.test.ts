import { pathToFileURL } from 'node:url'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workspace, type Workspace } from '../cli/cli.js'
import { shareOf } from '../support/combinations.js'
import { OTHERS, type OtherBrowser } from './other-browsers.js'

const VALUE = 'planted-page-value-9R é'

const FILES = [
  { suite: 'P-256', file: 'p256.json', options: [], page: 'p256.html', prefix: /^kms:v1:/ },
  {
    suite: 'ML-KEM-1024',
    file: 'ml-kem.json',
    options: ['--post-quantum'],
    page: 'ml-kem.html',
    prefix: /^kms:v2:/,
  },
]

let kms: LocalKms
let at: Workspace
beforeAll(async () => {
  kms = await startLocalKms()
  await kms.createKey({ alias: 'alias/app' })
  at = await workspace()
  Object.assign(at.env, kms.env)
  for (const { file, options, page } of FILES)
    for (const args of [
      ['init', '--key', 'alias/app', '--file', file, ...options],
      ['page', '--file', file, '--out', page],
    ])
      expect(await at.cli(args)).toMatchObject({ code: 0 })
})
afterAll(() => kms.close())

describe.each(OTHERS)('the page that seals, in $name $missing', ({ name, missing, start }) => {
  let browser: OtherBrowser
  beforeAll(async () => {
    if (!missing) browser = await start()
  })
  afterAll(() => browser?.close())

  it.skipIf(missing).each(
    shareOf(
      FILES,
      OTHERS.findIndex((one) => one.name === name),
      2,
    ),
  )(
    'seals to a pair of $suite a value that set --token stores and get decrypts',
    async ({ file, page, prefix }) => {
      await browser.open(pathToFileURL(at.path(page)).href)
      const words = () =>
        browser.run<number>(`return document.querySelectorAll('#words li').length`)
      await expect.poll(words).toBe(24)
      const entry = name.toUpperCase()
      await browser.run(
        `document.querySelector('#name').value = arguments[0]
         document.querySelector('#value').value = arguments[1]
         document.querySelector('button[type=submit]').click()`,
        entry,
        VALUE,
      )
      const token = () => browser.run<string>(`return document.querySelector('#token').value`)
      await expect.poll(token).toMatch(prefix)
      const after = await browser.run(
        `return {
           value: document.querySelector('#value').value,
           requests: performance.getEntriesByType('resource').length,
           cookie: document.cookie,
           problem: document.querySelector('#problem').hidden,
         }`,
      )
      expect(after).toEqual({ value: '', requests: 0, cookie: '', problem: true })
      expect(await at.cli(['set', entry, '--file', file, '--token', await token()])).toMatchObject({
        code: 0,
      })
      expect((await at.cli(['get', entry, '--file', file])).stdout).toBe(VALUE)
    },
  )
})
