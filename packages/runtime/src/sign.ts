import { hash } from 'node:crypto'
import { hmac } from './hmac.js'

const ALGORITHM = 'AWS4-HMAC-SHA256'

/** As container endpoints spell them. */
export interface Credentials {
  AccessKeyId: string
  SecretAccessKey: string
  Token?: string | undefined
  /** Set if they can be renewed. Emptied when AWS rejects them. */
  Expiration?: string | undefined
}

/** The headers of a kms:Decrypt, signed with AWS Signature Version 4. `now` in milliseconds. */
export function sign(
  { host, pathname }: URL,
  body: string,
  region: string,
  { AccessKeyId, SecretAccessKey, Token }: Credentials,
  now: number,
): Record<string, string> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')
  const steps = [time.slice(0, 8), region, 'kms', 'aws4_request']
  const scope = steps.join('/')
  // All of them are signed, so they stand in the order of their names.
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-date': time,
    ...(Token && { 'x-amz-security-token': Token }),
    'x-amz-target': 'TrentService.Decrypt',
  }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map((header) => header.join(':'))
  const request = ['POST', pathname, '', ...lines, '', names, hash('sha256', body)].join('\n')
  const text = [ALGORITHM, time, scope, hash('sha256', request)].join('\n')
  const signature = [...steps, text].reduce<string | Buffer>(hmac, 'AWS4' + SecretAccessKey)
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${AccessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature.toString('hex')}`,
  }
}
