import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { TOOLS } from '../../fixtures/tools/tools.mjs'
import { GUIDE } from '../../scripts/check-guide.mjs'

const docs = join(import.meta.dirname, '../../docs')

/** Returns the pages that docs/README.md lists as the guide, without the tools' and frameworks' own. */
async function guidePages(): Promise<string[]> {
  const index = await readFile(join(docs, 'README.md'), 'utf8')
  const guide = index.split(/^## /m).find((part) => part.startsWith('Guide\n'))!
  const tools = new Set(TOOLS.map(({ page }) => page))
  return [...guide.matchAll(/\]\(([\w-]+\.md)\)/g)].flatMap(([, page]) =>
    tools.has(page!) ? [] : page!,
  )
}

it('runs the commands of every page of the guide, or says at the block why not', async () => {
  const pages = await guidePages()
  expect(pages.length).toBeGreaterThan(10)
  for (const page of pages) {
    if (page in GUIDE) continue
    const text = await readFile(join(docs, page), 'utf8')
    const blocks = [...text.matchAll(/(<!-- not run: [^>]+ -->\n)?^```sh\n/gm)]
    expect(blocks.filter(([, reason]) => !reason)).toEqual([])
  }
})
