import { expect, it } from 'vitest'
import { memoizeAsync } from '../../src/util/memoize-async.js'

it('calls the work once per key and shares the promise', async () => {
  const calls: string[] = []
  const once = memoizeAsync(async (key: string) => {
    calls.push(key)
    return key.length
  })
  expect(await Promise.all([once('a'), once('bb'), once('a')])).toEqual([1, 2, 1])
  expect(calls).toEqual(['a', 'bb'])
})

it('calls the work again after a failure', async () => {
  let fails = true
  const once = memoizeAsync(async (key: string) => {
    if (fails) throw new Error('unavailable')
    return key
  })
  await expect(once('a')).rejects.toThrow('unavailable')
  fails = false
  await expect(once('a')).resolves.toBe('a')
})
