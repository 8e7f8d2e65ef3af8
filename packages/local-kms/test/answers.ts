import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../src/index.js'
import { call, type CallOptions, type WireAnswer } from './call.js'

/** Where AWS's answer is known from: a Recording, a test Verified on AWS, or the Documentation. */
export type Source = 'R' | 'V' | 'D'

export interface Subject {
  kms: LocalKms
  /** A new name for each row. */
  name: string
  ask: (operation: string, input?: object, options?: CallOptions) => Promise<WireAnswer>
}

/** The last answer of a row's calls, and what AWS answers. */
export type AnswerRow = [
  source: Source,
  title: string,
  calls: (subject: Subject) => Promise<WireAnswer>,
  expected: string | [type: string, message: string | RegExp] | ((answer: WireAnswer) => void),
]

/** Runs a table of calls. A `200` expects success; a pair expects an error and its message. */
export function describeAnswers(service: string, rows: AnswerRow[]): void {
  describe(service, () => {
    let kms: LocalKms
    beforeAll(async () => {
      kms = await startLocalKms()
    })
    afterAll(() => kms.close())

    it.each(rows)('[%s] %s', async (_, __, calls, expected) => {
      const answer = await calls({
        kms,
        name: `n${randomUUID().slice(0, 8)}`,
        ask: (operation, input, options) => call(kms, operation, input, options),
      })
      if (typeof expected === 'function') {
        expected(answer)
      } else if (typeof expected === 'string') {
        expect(answer.status, answer.text).toBe(200)
      } else {
        const [type, message] = expected
        expect([answer.status, answer.type]).toEqual([400, type])
        const text = String(answer.body['Message'] ?? answer.body['message'] ?? '')
        if (typeof message === 'string') expect(text).toBe(message)
        else expect(text).toMatch(message)
      }
    })
  })
}
