import { Agent } from 'node:https'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configure } from '../src/configure.js'
import { hostIn } from '../src/host.js'
import { direct } from '../src/shim.js'
import { CONTEXT, HASTY, useKms } from './world.js'

const world = useKms()
let hosts: string[]

/** Records the host of each connection, and fails it: nothing leaves the machine. */
class RecordingAgent extends Agent {
  // eslint-disable-next-line -- the type of node's own method is not public
  override createConnection(options: any, connected: any): any {
    hosts.push(options.host)
    connected(new Error('not connected'))
  }
}

beforeEach(() => {
  hosts = []
  configure({ agent: new RecordingAgent() })
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', '')
})
afterEach(() => {
  configure({ agent: undefined })
  vi.unstubAllEnvs()
})

/** The host that is asked for a key in this region. */
async function hostFor(region: string, host = hostIn(region)) {
  const settings = { ...HASTY, maxAttempts: 1 }
  const wrapped = `arn:aws:kms:${region}:111122223333:key/1234`
  await direct([[wrapped, host, 'AQIC']], CONTEXT, 'DB', undefined, settings).catch(() => {})
  expect(hosts).toHaveLength(1)
  return hosts.pop()
}

describe('the endpoint', () => {
  it.each([
    [undefined, undefined, 'kms.eu-west-1.amazonaws.com'],
    ['true', undefined, 'kms-fips.eu-west-1.amazonaws.com'],
    [undefined, 'true', 'kms.eu-west-1.api.aws'],
    ['true', 'true', 'kms-fips.eu-west-1.api.aws'],
    ['TRUE', 'True', 'kms-fips.eu-west-1.api.aws'],
    ['false', '0', 'kms.eu-west-1.amazonaws.com'],
    ['', '1', 'kms.eu-west-1.amazonaws.com'],
  ])('with AWS_USE_FIPS_ENDPOINT=%s and AWS_USE_DUALSTACK_ENDPOINT=%s is %s', async (...row) => {
    const [fips, dualstack, host] = row
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', fips)
    vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', dualstack)
    expect(await hostFor('eu-west-1')).toBe(host)
  })

  it.each([
    ['us-gov-west-1', 'kms-fips.us-gov-west-1.api.aws'],
    // Their dual-stack names follow other rules: the option aws.dualstack embeds them.
    ['cn-north-1', 'kms-fips.cn-north-1.amazonaws.com.cn'],
    ['us-iso-east-1', 'kms-fips.us-iso-east-1.c2s.ic.gov'],
  ])('is never a dual-stack name that does not exist: %s', async (region, host) => {
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true')
    vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', 'true')
    expect(await hostFor(region)).toBe(host)
  })

  it('stays the FIPS and dual-stack host that the build embedded', async () => {
    for (const value of ['true', 'false', undefined]) {
      vi.stubEnv('AWS_USE_FIPS_ENDPOINT', value)
      vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', value)
      const host = 'kms-fips.eu-west-1.api.aws'
      expect(await hostFor('eu-west-1', host)).toBe(host)
    }
  })

  it('is that of AWS_ENDPOINT_URL_KMS, then that of AWS_ENDPOINT_URL', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://all.example.com')
    expect(await hostFor('eu-west-1')).toBe('all.example.com')
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'https://kms.example.com')
    expect(await hostFor('eu-west-1')).toBe('kms.example.com')
  })

  it('ignores both if AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is set', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://all.example.com')
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'https://kms.example.com')
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true')
    expect(await hostFor('eu-west-1')).toBe('kms.eu-west-1.amazonaws.com')
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'false')
    expect(await hostFor('eu-west-1')).toBe('kms.example.com')
  })
})

it('does not send plain http through an agent', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', world.kms.url)
  const wrapped = await world.encrypt('hunter2')
  expect(await direct([wrapped], CONTEXT, 'DB', undefined, HASTY)).toBe('hunter2')
  expect(hosts).toEqual([])
})
