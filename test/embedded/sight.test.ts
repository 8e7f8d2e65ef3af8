import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { sight } from '../../src/embedded/sight.js'

function* tokenOf(megabytes: number) {
  yield Buffer.from('open("kms:v1:')
  for (let block = 0; block < megabytes * 16; block++) yield Buffer.alloc(1 << 16, 'A')
  yield Buffer.from('")')
}

it('reads no token to its end that is longer than any secret', async () => {
  expect((await sight(tokenOf(64))).sightings).toEqual([
    { what: 'broken', reason: 'it is longer than 16 MB' },
  ])
})

it('reads a token that ends within the limit', async () => {
  expect((await sight(tokenOf(8))).sightings).toEqual([
    { what: 'broken', reason: 'its kind is unknown' },
  ])
})
