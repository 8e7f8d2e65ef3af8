import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { findEmbedded } from '../../src/embedded/find-embedded.js'

function* tokenOf(megabytes: number) {
  yield Buffer.from('open("kms:v1:')
  for (let block = 0; block < megabytes * 16; block++) yield Buffer.alloc(1 << 16, 'A')
  yield Buffer.from('")')
}

it('does not read a token to its end if it is longer than the limit', async () => {
  expect((await findEmbedded(tokenOf(64))).items).toEqual([
    { what: 'malformed', reason: 'it is longer than 16 MB' },
  ])
})

it('reads a token that ends within the limit', async () => {
  expect((await findEmbedded(tokenOf(8))).items).toEqual([
    { what: 'malformed', reason: 'its kind is unknown' },
  ])
})
