import { expect, it } from 'vitest'
import { MAIN, MORE, nameOf } from '../../src/cli/commands.js'
import { createProgram } from '../../src/cli/program.js'

const namesOf = async (asked?: string) =>
  (await createProgram(asked)).commands.map((command) => command.name())
const all = [...MAIN, ...MORE].map(nameOf)

it('lists every command in the help, and declares every command for completion', async () => {
  expect(all.length).toBeGreaterThan(20)
  for (const asked of [undefined, 'completion', 'unknown', 'local'])
    expect(await namesOf(asked)).toEqual(all)
  const { commands } = await createProgram('completion')
  const options = commands.map((command) => [command.name(), command.options.length > 0])
  const none = options.filter(([, has]) => !has).map(([name]) => name)
  expect(none).toEqual(['local', 'completion'])
})

it('prints the same help without the declarations of the commands', async () => {
  const [light, full] = await Promise.all([createProgram(), createProgram('completion')])
  expect(light.helpInformation()).toBe(full.helpInformation())
})

it.each(all.filter((name) => !['completion', 'local'].includes(name)))(
  'declares nothing but %s to run it',
  async (name) => {
    expect(await namesOf(name)).toEqual([name])
  },
)
