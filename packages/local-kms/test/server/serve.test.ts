import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startLocalKms } from '../../src/index.js'
import { call } from '../call.js'
import { whyMissing } from '../clients/installed.js'
import { temporaryFolder } from '../fixtures/temporary-folder.js'

const failure = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => 'no failure',
    (error: NodeJS.ErrnoException) => error.code,
  )

describe('the endpoint', () => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address
  const unreachable = outside === undefined ? ' (skipped: no address but loopback here)' : ''

  it.skipIf(unreachable !== '')(`listens on loopback alone${unreachable}`, async () => {
    const kms = await startLocalKms()
    const dial = new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(kms.url).port), outside, () =>
        resolve(socket.destroy()),
      )
      socket.on('error', reject)
    })
    expect(await failure(dial)).toBe('ECONNREFUSED')
    await kms.close()
  })

  it('uses the requested port, and fails if it is in use', async () => {
    const first = await startLocalKms()
    const port = Number(new URL(first.url).port)
    expect(await failure(startLocalKms({ port }))).toBe('EADDRINUSE')
    await first.close()
    const second = await startLocalKms({ port })
    expect(second.url).toBe(first.url)
    await second.close()
  })

  it('rejects an invalid region and account id', async () => {
    expect(await failure(startLocalKms({ region: 'here' }))).toBe('BAD_OPTION')
    expect(await failure(startLocalKms({ accountId: '1' }))).toBe('BAD_OPTION')
  })

  it('checks the region of a request to a host name of AWS', async () => {
    const kms = await startLocalKms()
    const host = (name: string) => call(kms, 'ListKeys', {}, { host: name })
    expect((await host('kms.us-east-1.amazonaws.com')).status).toBe(200)
    expect((await host('kms.eu-west-1.amazonaws.com')).type).toBe('InvalidSignatureException')
    await kms.close()
  })
})

const noOpenssl = whyMissing('openssl', 'version')

describe.skipIf(noOpenssl !== '')(`over TLS${noOpenssl}`, () => {
  it('serves HTTPS, and faults work there too', async () => {
    const dir = temporaryFolder()
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
    const subject = '-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -days 1'
    const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    spawnSync('openssl', [...`${kind} ${subject}`.split(' '), '-keyout', key, '-out', cert])
    const ca = readFileSync(cert)
    const kms = await startLocalKms({ tls: { key: readFileSync(key), cert: ca } })
    expect(kms.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const post = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const req = request(kms.url, { method: 'POST', ca }, (res) => {
          res.resume()
          res.on('error', reject)
          res.on('end', () => resolve(res.statusCode))
        })
        req.on('error', reject)
        req.end('{}')
      })
    expect(await post()).toBe(400)
    kms.faults.add({ kind: 'reset', when: 'before', times: 1 })
    expect(await failure(post())).toBe('ECONNRESET')
    kms.faults.add({ kind: 'reset', when: 'during', times: 1 })
    expect(await failure(post())).toBe('ECONNRESET')
    expect(await post()).toBe(400)
    await kms.close()
  })
})
