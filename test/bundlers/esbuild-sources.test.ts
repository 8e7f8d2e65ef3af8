import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Sources } from '../../src/bundlers/esbuild-sources.js'
import { MARKER } from '../../src/pipeline/collect/mark.js'
import { project } from '../support/project.js'

const MARKED = `import { secret } from '${MARKER}'\n`
const UNMARKED = MARKED.replace(MARKER, 'x'.repeat(MARKER.length))

describe('the sources of a watch session', () => {
  it.each([['never'], ['once'], ['twice'], ['three times']])(
    'have the mark that a file of the same length gets after it was read %s',
    async (times) => {
      const path = join(await project({ 'a.ts': UNMARKED }), 'a.ts')
      // The file system may have one time for two writes in a row.
      utimesSync(path, 1, 1)
      const sources = new Sources(0)
      for (const word of ['once', 'twice', 'three times']) {
        if (times === 'never') break
        expect(sources.readMarked(path)).toBeNull()
        if (word === times) break
      }
      writeFileSync(path, MARKED)
      expect(sources.readMarked(path)).toBe(MARKED)
      expect(sources.readMarked(path)).toBe(MARKED)
      writeFileSync(path, UNMARKED)
      expect(sources.readMarked(path)).toBeNull()
    },
  )

  it('are read again when a file is missing or empty, which an editor may be about to write', async () => {
    const path = join(await project({ 'a.ts': UNMARKED }), 'a.ts')
    const sources = new Sources(0)
    expect([sources.readMarked(path), sources.readMarked(path)]).toEqual([null, null])
    rmSync(path)
    expect(sources.readMarked(path)).toBe('')
    writeFileSync(path, '')
    expect(sources.readMarked(path)).toBe('')
    writeFileSync(path, MARKED)
    expect(sources.readMarked(path)).toBe(MARKED)
  })
})
