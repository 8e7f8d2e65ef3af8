import { hash } from 'node:crypto'
import { hmac } from './hmac.js'

/** Credentials, with the field names of the container endpoints. */
export interface Credentials {
  AccessKeyId: string
  SecretAccessKey: string
  Token?: string | undefined
  /** Set if they can be renewed. Emptied when AWS rejects them. */
  Expiration?: string | undefined
}

/** Returns the headers of a kms:Decrypt, signed with AWS Signature Version 4. `now` is in milliseconds. */
export function sign(
  { host, pathname }: URL,
  body: string,
  region: string,
  { AccessKeyId, SecretAccessKey, Token }: Credentials,
  now: number,
): Record<string, string> {
  const amzDate = new Date(now).toISOString().replace(/\.\d+|\W/g, '')
  const scopeParts = [amzDate.slice(0, 8), region, 'kms', 'aws4_request']
  const scope = scopeParts.join('/')
  // All of them are signed, in the order of their names.
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-date': amzDate,
    ...(Token && { 'x-amz-security-token': Token }),
    'x-amz-target': 'TrentService.Decrypt',
  }
  const signedHeaders = Object.keys(headers).join(';')
  const canonicalHeaders = Object.entries(headers).map((header) => header.join(':'))
  const canonicalRequest = [
    'POST',
    pathname,
    '',
    ...canonicalHeaders,
    '',
    signedHeaders,
    hash('sha256', body),
  ].join('\n')
  const stringToSign = ['AWS4-HMAC-SHA256', amzDate, scope, hash('sha256', canonicalRequest)].join(
    '\n',
  )
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${AccessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${[...scopeParts, stringToSign].reduce<string | Buffer>(hmac, 'AWS4' + SecretAccessKey).toString('hex')}`
  return headers
}
