import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { startSession, type Address } from '../../src/frameworks/next-session.js'

function send({ socket, token }: Address, body: string) {
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const asked = request(
      { socketPath: socket, method: 'POST', headers: { token } },
      async (response) => resolve({ status: response.statusCode, body: await text(response) }),
    )
    asked.on('error', reject).end(body)
  })
}

const { address } = startSession({ keyId: 'alias/app' }, import.meta.dirname, true)

it.each([
  ['no JSON', "const key = 'hunter2'"],
  ['nothing', ''],
])('answers a request of a loader that is %s, without its text', async (_, body) => {
  const answer = await send(address, body)
  expect(JSON.parse(answer.body)).toEqual({
    watched: [],
    error: expect.stringContaining('Start Next.js again'),
  })
  expect(answer.body).not.toContain('hunter2')
})

it('answers with an error if a module cannot be transformed at all', async () => {
  const answer = await send(address, '{}')
  expect(JSON.parse(answer.body)).toMatchObject({ error: expect.any(String) })
})

it('refuses callers without the token of the session', async () => {
  expect(await send({ ...address, token: 'x' }, '{}')).toEqual({ status: 403, body: '' })
})
