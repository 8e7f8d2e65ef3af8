import { Buffer } from 'node:buffer'
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { examine, searchFor } from '../../../src/pipeline/leak-check/examine.js'

/** The names of the secrets and members that are reported. */
const reported = (
  plaintext: string | Uint8Array,
  output: string | Uint8Array,
  except: string[] = [],
) =>
  examine(
    [{ name: 'out.js', content: output }],
    searchFor([{ name: './db.json', plaintext: Buffer.from(plaintext as string) }], {
      minLength: 8,
      except,
    }),
  ).leaks.map(({ secret }) => secret)

const RDS = JSON.stringify({
  engine: 'postgres',
  host: 'orders.cluster-c1x2.eu-central-1.rds.amazonaws.com',
  username: 'orders_admin',
  password: 'tr0ub4dor&3-horse',
  port: 5432,
  nested: { list: [{ token: 'abcdef123456' }] },
})

describe('a secret of several members', () => {
  it('is reported by the member of JSON whose value is in the output', () => {
    expect(reported(RDS, `f('tr0ub4dor&3-horse')`)).toEqual(['./db.json#password'])
    expect(reported(RDS, `f('abcdef123456')`)).toEqual(['./db.json#nested.list.0.token'])
    expect(reported(RDS, RDS)).toContain('./db.json')
  })

  it('is reported by the variable of a dotenv file', () => {
    const file = `# of the API\nexport API_KEY="sk-live 1234"\n\nOTHER=another-value # says it\n`
    expect(reported(file, `f("sk-live 1234")`)).toEqual(['./db.json#API_KEY'])
    expect(reported(file, `f("another-value")`)).toEqual(['./db.json#OTHER'])
  })

  it.each([
    ['postgres://app:p%40ss%2Fw0rd@db/orders', 'p@ss/w0rd', 'password'],
    ['postgres://app:p%40ss%2Fw0rd@db/orders', 'p%40ss%2Fw0rd', 'password'],
    ['mongodb+srv://app:s3cret-word@a.example,b.example/db', 's3cret-word', 'password'],
    ['https://hooks.example/in?token=abcdef123456&id=7', 'abcdef123456', 'token'],
    ['Server=db;Database=orders;User Id=sa;Password=s3cret-word;', 's3cret-word', 'Password'],
    ['host=db user=app password=s3cret-word dbname=orders', 's3cret-word', 'password'],
    [
      'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc+/def123456==;EndpointSuffix=core.windows.net',
      'abc+/def123456==',
      'AccountKey',
    ],
  ])('is reported by the secret inside %s', (value, member, name) => {
    expect(reported(value, `f(${JSON.stringify(member)})`)).toEqual([`./db.json#${name}`])
  })

  it('is read through several layers', () => {
    const value = JSON.stringify({ env: 'DATABASE_URL=postgres://app:s3cret-word@db/orders\n' })
    expect(reported(value, `f('s3cret-word')`)).toEqual(['./db.json#env.DATABASE_URL.password'])
  })

  it('may have one member excepted, and the others are searched for', () => {
    const except = ['./db.json#username']
    expect(reported(RDS, `f('orders_admin')`)).toEqual(['./db.json#username'])
    expect(reported(RDS, `f('orders_admin')`, except)).toEqual([])
    expect(reported(RDS, `f('tr0ub4dor&3-horse')`, except)).toEqual(['./db.json#password'])
  })
})

describe('a PEM', () => {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const body = privateKey.replace(/-----.*?-----|\s/g, '')
  const serviceAccount = JSON.stringify({ type: 'service_account', private_key: privateKey })

  it.each([
    ['as one line', body],
    ['as bytes', Buffer.from(body, 'base64')],
    ['as lines of another length', body.replace(/.{48}/g, '$&\n')],
    ['indented in YAML', privateKey.replace(/^/gm, '    ')],
    ['with Windows line breaks', privateKey.replaceAll('\n', '\r\n')],
    ['one of its lines', privateKey.split('\n')[1]!],
  ])('is found %s', (_, output) => {
    expect(reported(privateKey, output)).toContain('./db.json')
    expect(reported(serviceAccount, output)).toContain('./db.json#private_key')
  })

  it('is not found by its first and last line', () => {
    expect(
      reported(serviceAccount, '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----'),
    ).toEqual([])
  })
})

describe('a value with white space around it', () => {
  it.each([
    's3cret-word\n',
    's3cret-word\r\n',
    '  s3cret-word',
    '\ufeffs3cret-word',
    '"s3cret-word"\n',
  ])('is found without it: %j', (value) =>
    expect(reported(value, `f('s3cret-word')`)).toEqual(['./db.json']),
  )
})

describe('a common word', () => {
  it('is not searched for as the value of a member', () => {
    expect(reported(RDS, `require('postgres')`)).toEqual([])
    const account = JSON.stringify({
      type: 'service_account',
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: 'https://oauth2.googleapis.com/token',
      universe_domain: 'googleapis.com',
    })
    expect(
      reported(
        account,
        `'service_account' 'https://accounts.google.com/o/oauth2/auth' 'https://oauth2.googleapis.com/token' 'googleapis.com'`,
      ),
    ).toEqual([])
  })

  it('is searched for as a complete secret, and as a member with the name of a secret', () => {
    expect(reported('postgres', `require('postgres')`)).toEqual(['./db.json'])
    expect(reported('{"password":"postgres"}', `require('postgres')`)).toEqual([
      './db.json#password',
    ])
    expect(reported('{"tokens":["production"]}', `'production'`)).toEqual(['./db.json#tokens.0'])
  })

  it('is not a value that looks random', () => {
    for (const value of ['xkqjzvbw', 'horsebattery', 'Tr0ub4dor', 'aaaaaaaa', 'qwertyui'])
      expect(reported(JSON.stringify({ engine: value }), value)).toEqual(['./db.json#engine'])
  })
})
