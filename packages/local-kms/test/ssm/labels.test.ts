import {
  GetParameterCommand,
  LabelParameterVersionCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'

let kms: LocalKms
let ssm: SSMClient
beforeAll(async () => {
  kms = await startLocalKms()
  ssm = new SSMClient({ endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials })
  for (const Value of ['first', 'second'])
    await ssm.send(new PutParameterCommand({ Name: '/p', Value, Type: 'String', Overwrite: true }))
})
afterAll(() => kms.close())

const label = (ParameterVersion: number | undefined, ...Labels: string[]) =>
  ssm.send(new LabelParameterVersionCommand({ Name: '/p', ParameterVersion, Labels }))
const valueOf = async (Name: string) =>
  (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value

describe('a label', () => {
  it('selects its version, and belongs to one version', async () => {
    await label(1, 'live')
    expect(await valueOf('/p:live')).toBe('first')
    await label(undefined, 'live')
    expect(await valueOf('/p:live')).toBe('second')
  })

  it('is returned and ignored if it is invalid', async () => {
    expect((await label(1, '1st', 'awsome', 'good')).InvalidLabels).toEqual(['1st', 'awsome'])
    expect(await valueOf('/p:good')).toBe('first')
    await expect(valueOf('/p:1st')).rejects.toThrow('could not find version 1st')
  })

  it('needs a version that exists', async () => {
    await expect(label(9, 'x')).rejects.toMatchObject({ name: 'ParameterVersionNotFound' })
  })
})
