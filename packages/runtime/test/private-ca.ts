import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

/** Creates a certificate authority and a certificate of 127.0.0.1 that it signed. */
export function privateCa() {
  const folder = mkdtempSync(join(tmpdir(), 'ca-'))
  const file = (name: string) => join(folder, name)
  const openssl = (command: string) => {
    const { status, stderr } = spawnSync('openssl', command.split(' '), { cwd: folder })
    if (status !== 0) throw new Error(String(stderr))
  }
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  writeFileSync(file('san'), 'subjectAltName=IP:127.0.0.1')
  openssl(`req -x509 ${key} -days 1 -subj /CN=Private-CA -keyout ca.key -out ca.pem`)
  openssl(`req -new ${key} -subj /CN=localhost -keyout key.pem -out request.pem`)
  openssl(
    `x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile san -out cert.pem`,
  )
  return {
    /** For NODE_EXTRA_CA_CERTS. */
    file: file('ca.pem'),
    tls: { key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) },
  }
}
