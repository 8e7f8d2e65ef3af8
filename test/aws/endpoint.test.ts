import { KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { endpointHost } from '../../src/aws/endpoint.js'

const REGIONS = [
  'us-east-1',
  'eu-central-2',
  'ap-southeast-7',
  'us-gov-west-1',
  'cn-north-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eusc-de-east-1',
]
const { endpointProvider } = new KMSClient({ region: 'us-east-1' }).config

describe.each(REGIONS)('the shim calls the host that the AWS SDK would call in %s', (Region) => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('with FIPS %s and dual stack %s', (fips, dualstack) => {
    const arn = `arn:aws:kms:${Region}:111122223333:key/11111111-2222-3333-4444-555555555555`
    const ours = () => endpointHost(arn, { fips, dualstack })
    let theirs: string
    try {
      theirs = endpointProvider({ Region, UseFIPS: fips, UseDualStack: dualstack }).url.hostname
    } catch {
      return expect(ours).toThrow('OPTIONS_INVALID')
    }
    return expect(ours()).toBe(theirs)
  })
})
