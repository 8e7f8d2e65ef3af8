import { expect, it } from 'vitest'
import { createProgram } from '../../src/cli/program.js'

const namesOf = (asked?: string) => createProgram(asked).commands.map((command) => command.name())
const all = namesOf().filter((name) => name !== 'local')

it('declares every command for help and completion', () => {
  expect(all.length).toBeGreaterThan(20)
  expect(namesOf('completion')).toEqual(namesOf())
  expect(namesOf('--help')).toEqual(namesOf())
})

it.each(all.filter((name) => name !== 'completion'))(
  'declares nothing but %s to run it',
  (name) => {
    expect(namesOf(name)).toEqual([name])
  },
)
