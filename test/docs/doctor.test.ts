import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/check.js'

it('docs/doctor.md explains exactly the checks of doctor, in their order', async () => {
  const text = await readFile(new URL('../../docs/doctor.md', import.meta.url), 'utf8')
  const sections = [...text.matchAll(/^### (.+)\n\n(.+)/gm)]
  expect(sections.map(([, id]) => id)).toEqual(CHECKS)
  for (const [, , says] of sections) expect(says!.length).toBeGreaterThan(30)
})
