import { describe, expect, it } from 'vitest'
import { createFetcher } from '../../../src/pipeline/resolve/fetching.js'
import { showProgress } from '../../../src/pipeline/resolve/progress.js'

const silent = { begin() {}, end() {} }

describe('a value from a source', () => {
  it('is fetched once for each reference, and again only after a failure', async () => {
    const { once } = createFetcher(8, silent)
    let asked = 0
    const fetch = async () => {
      if (++asked === 1) throw new Error('not yet')
      return asked
    }
    await expect(once('a', fetch)).rejects.toThrow('not yet')
    expect(await Promise.all([once('a', fetch), once('a', fetch)])).toEqual([2, 2])
    expect(await once('b', fetch)).toBe(3)
  })

  it('is fetched with limited concurrency, in order, also after failures', async () => {
    const { bounded } = createFetcher(3, silent)
    let running = 0
    let most = 0
    const order: number[] = []
    const runs = Array.from({ length: 20 }, (_, index) =>
      bounded(async () => {
        order.push(index)
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        if (index % 4 === 0) throw new Error('failed')
      }),
    )
    await Promise.allSettled(runs)
    expect(most).toBe(3)
    expect(order).toEqual(runs.map((_, index) => index))
  })
})

describe('progress', () => {
  const shown = async (isTTY: boolean, isCi = false) => {
    const written: string[] = []
    let show = () => {}
    const first = new Promise<void>((resolve) => (show = resolve))
    const write = (text: string) => {
      written.push(text)
      show()
    }
    const progress = showProgress({ terminal: { isTTY, write }, patienceMs: 1, isCi })
    progress.begin()
    progress.begin()
    progress.end()
    if (isTTY && !isCi) await first
    progress.end()
    return written
  }

  it('is one line on a terminal, cleared at the end', async () => {
    const written = await shown(true)
    expect(written[0]).toContain('1 of 2 secrets fetched')
    expect(written.at(-1)).toBe('\r\u001B[K')
  })

  it('is nothing in a pipe', async () => expect(await shown(false)).toEqual([]))

  it('is nothing on the terminal of a CI', async () => expect(await shown(true, true)).toEqual([]))

  it('is shown during a KMS call', async () => {
    const written: string[] = []
    let seen = () => {}
    const first = new Promise<void>((resolve) => (seen = resolve))
    const write = (text: string) => {
      written.push(text)
      seen()
    }
    const { whileKms } = showProgress({
      terminal: { isTTY: true, write },
      patienceMs: 1,
      isCi: false,
    })
    await whileKms(() => first)
    expect(written).toEqual([expect.stringContaining('waiting for KMS'), '\r\u001B[K'])
  })
})
