import { inspect } from 'node:util'
import { expect, it, vi } from 'vitest'
import { UNTRANSFORMED } from '../../src/secret/marks.js'
import { secret } from '../../src/secret/secret.js'
import { secret as sync } from '../../src/secret/secret-sync.js'

const NEVER = 'this mark was never transformed'
const other = secret as unknown as Record<string, unknown>

it('throws for every use of a marker that no plugin replaced', () => {
  expect(() => secret('literal')).toThrow(NEVER)
  expect(() => secret.env('A')).toThrow(NEVER)
  expect(() => sync.named('A')).toThrow(NEVER)
  expect(() => other.unknown).toThrow(NEVER)
  expect(() => `${other as unknown as string}`).toThrow(NEVER)
  expect(() => (other.unknown = 1)).toThrow(NEVER)
  expect(() => inspect(secret)).not.toThrow()
})

it('lets a test runner mock each of its marks', async () => {
  const spy = vi.spyOn(secret, 'env').mockReturnValue(Promise.resolve('spied'))
  expect(await secret.env('A')).toBe('spied')
  expect(() => secret.named('A')).toThrow(NEVER)
  spy.mockRestore()
  expect(() => secret.env('A')).toThrow(NEVER)
  const slots = Object.getOwnPropertyNames(secret)
  expect(slots).toEqual(expect.arrayContaining(['env', 'file', 'named', 'ssm', 'from']))
  expect(new Set(slots.map((name) => other[name])).size).toBe(slots.length)
})

it('shows which of the two markers it is', () => {
  const symbols = [secret, sync] as unknown as Record<symbol, unknown>[]
  expect(symbols.map((marker) => marker[UNTRANSFORMED])).toEqual([false, true])
})
