import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'

const TARGETS = { kms: 'TrentService', ssm: 'AmazonSSM', secretsmanager: 'secretsmanager' }

/** Returns a function that sends one request, and returns the answer as boto3 shows it. */
export const caller =
  (kms) =>
  async (operation, input = {}, region = kms.region) => {
    const [service, name] = operation.split(':')
    const { hostname, host, protocol } = new URL(kms.url)
    const signer = new SignatureV4({
      credentials: kms.admin.credentials,
      region,
      service,
      sha256: Sha256,
      applyChecksum: false,
    })
    const request = {
      method: 'POST',
      protocol,
      hostname,
      path: '/',
      query: {},
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `${TARGETS[service]}.${name}`,
      },
      body: JSON.stringify(input),
    }
    const { headers } = await signer.sign(request)
    const response = await fetch(kms.url, { method: 'POST', headers, body: request.body })
    const text = await response.text()
    const { __type: Code, ...body } = text === '' ? {} : JSON.parse(text)
    const ResponseMetadata = { HTTPStatusCode: response.status }
    if (Code === undefined) return { ...body, ResponseMetadata }
    return {
      Error: { Code, Message: body.message ?? body.Message ?? '' },
      ...body,
      ResponseMetadata,
    }
  }
