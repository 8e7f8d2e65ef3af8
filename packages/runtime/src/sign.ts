import { hmac, sha256 } from './hash.js'

export type Credentials = [accessKeyId: string, secretAccessKey: string, sessionToken?: string | undefined]

/** The headers of a kms:Decrypt, signed with AWS Signature Version 4. */
export function sign(
  { host, pathname }: URL,
  body: string,
  region: string,
  [accessKeyId, secretAccessKey, sessionToken]: Credentials,
  now: Date,
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = [time.slice(0, 8), region, 'kms', 'aws4_request']
  // All of them are signed, so they stand in the order of their names.
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-date': time,
    ...(sessionToken && { 'x-amz-security-token': sessionToken }),
    'x-amz-target': 'TrentService.Decrypt',
  }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map((header) => header.join(':'))
  const request = ['POST', pathname, '', ...lines, '', names, sha256(body)].join('\n')
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request)].join('\n')
  const signature = [...scope, text].reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${secretAccessKey}`)
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature.toString('hex')}`,
  }
}
