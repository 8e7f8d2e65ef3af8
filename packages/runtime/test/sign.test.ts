import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sign } from '../src/sign.js'

const printable = fc.string({ unit: fc.constantFrom(...'abcXYZ019+/=-_~'), minLength: 1 })

it('signs as the AWS SDK does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        host: fc.constantFrom(
          'kms.us-east-1.amazonaws.com',
          'kms-fips.us-gov-west-1.amazonaws.com',
          'localhost:4566',
        ),
        path: fc.constantFrom('/', '/kms', '/a/b/'),
        body: fc.string({ unit: 'grapheme' }),
        region: fc.constantFrom('us-east-1', 'eu-central-1', 'cn-north-1'),
        accessKeyId: printable,
        secretAccessKey: printable,
        sessionToken: fc.option(printable, { nil: undefined }),
        now: fc.integer({ min: 0, max: 4e12 }),
      }),
      async ({ host, path, body, region, accessKeyId, secretAccessKey, sessionToken, now }) => {
        const credentials = {
          AccessKeyId: accessKeyId,
          SecretAccessKey: secretAccessKey,
          Token: sessionToken,
        }
        const headers = sign(new URL(`https://${host}${path}`), body, region, credentials, now)
        const signer = new SignatureV4({
          service: 'kms',
          region,
          credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
          sha256: Sha256,
          applyChecksum: false,
        })
        const {
          authorization,
          'x-amz-date': _date,
          'x-amz-security-token': _token,
          ...unsigned
        } = headers
        const signed = await signer.sign(
          {
            method: 'POST',
            protocol: 'https:',
            hostname: host,
            path,
            query: {},
            headers: unsigned,
            body,
          },
          { signingDate: new Date(now) },
        )
        expect(authorization).toBe(signed.headers.authorization)
      },
    ),
  )
})
