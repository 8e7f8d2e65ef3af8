import { describe, expect, it } from 'vitest'
import { ProgressLine, whileAsking } from '../../src/util/progress-line.js'

/** A terminal whose first text can be awaited. */
function terminal(columns?: number) {
  const written: string[] = []
  let seen = () => {}
  const first = new Promise<void>((resolve) => (seen = resolve))
  const write = (text: string) => {
    written.push(text)
    seen()
  }
  return { written, first, terminal: { isTTY: true, write, ...(columns && { columns }) } }
}

const CLEAR = '\r\u001B[K'

describe('ProgressLine', () => {
  it('writes nothing for work that ends soon', () => {
    const { written, terminal: at } = terminal()
    const line = new ProgressLine(() => 'working', { terminal: at, isCi: false })
    line.start()
    line.stop()
    expect(written).toEqual([])
  })

  it('shortens its text to the width of the terminal, so that it can be cleared', async () => {
    const { written, first, terminal: at } = terminal(8)
    const line = new ProgressLine(() => '1 of 200 functions', {
      terminal: at,
      patienceMs: 1,
      isCi: false,
    })
    line.start()
    await first
    line.stop()
    expect([written[0], written.at(-1)]).toEqual([`${CLEAR}1 of 20`, CLEAR])
  })

  it('writes nothing while a person is asked', async () => {
    const { written, first, terminal: at } = terminal()
    const line = new ProgressLine(() => 'working', { terminal: at, patienceMs: 1, isCi: false })
    let looked = 0
    let enough = () => {}
    const passed = new Promise<void>((resolve) => (enough = resolve))
    await whileAsking(async () => {
      line.start()
      const look = () => (++looked < 20 ? setTimeout(look, 1) : enough())
      look()
      await passed
      expect(written).toEqual([])
    })
    await first
    line.stop()
    expect(written[0]).toBe(`${CLEAR}working`)
  })
})
