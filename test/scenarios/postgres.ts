import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'

/** Where Debian keeps each version's programs. */
const VERSIONS = '/usr/lib/postgresql'

/** The folder of PostgreSQL's programs, if this machine has them. */
const programs = [
  ...(process.env.PATH ?? '').split(delimiter),
  ...(existsSync(VERSIONS) ? readdirSync(VERSIONS) : []).map((version) =>
    join(VERSIONS, version, 'bin'),
  ),
].find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))

/** PostgreSQL runs as anyone but root. */
const user: { uid?: number; gid?: number } | undefined =
  process.getuid?.() === 0 ? unprivileged() : {}

/** Why no server can be started here, if none can. */
export const ABSENT =
  programs === undefined
    ? 'no PostgreSQL server is installed'
    : user === undefined
      ? 'PostgreSQL does not run as root, and there is no user nobody'
      : undefined

/**
 * A PostgreSQL server with password authentication (SCRAM) for everybody, on a socket of its own:
 * no port is taken. `connections` counts those that were begun.
 */
export async function startPostgres() {
  const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-postgres-'))
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  const password = 'of-the-superuser'
  await writeFile(passwordFile, password)
  const { uid, gid } = user!
  if (uid !== undefined && gid !== undefined)
    for (const path of [folder, passwordFile]) await chown(path, uid, gid)

  const made = spawnSync(
    join(programs!, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'super',
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordFile,
      '-N',
      '-E',
      'UTF8',
      '--no-locale',
    ],
    { ...user, cwd: folder, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(made.stderr)
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folder,
    log_connections: 'on',
    fsync: 'off',
  }
  const server = spawn(
    join(programs!, 'postgres'),
    [
      '-D',
      data,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let connections = 0
  await ready(server, () => connections++)
  const admin = new Client({ host: folder, database: 'postgres', user: 'super', password })
  await admin.connect()

  return {
    /** What a client needs to find it. */
    env: { PGHOST: folder, PGDATABASE: 'postgres' },
    get connections() {
      return connections
    },
    async createUser(name: string, password: string) {
      const { escapeIdentifier, escapeLiteral } = admin
      await admin.query(
        `create role ${escapeIdentifier(name)} login password ${escapeLiteral(password)}`,
      )
    },
    async stop() {
      await admin.end()
      const closed = once(server, 'close')
      server.kill('SIGQUIT')
      await closed
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves when the server takes connections; rejects with its last words if it ends before. */
function ready(server: ChildProcess, onConnection: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = []
    createInterface({ input: server.stderr! }).on('line', (line) => {
      said.push(line)
      if (line.includes('ready to accept connections')) resolve()
      if (line.includes('connection received')) onConnection()
    })
    server.on('close', () => reject(new Error(said.join('\n'))))
    server.on('error', reject)
  })
}

function unprivileged(): { uid: number; gid: number } | undefined {
  const id = (flag: string) =>
    Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout)
  const [uid, gid] = [id('-u'), id('-g')]
  return uid && gid ? { uid, gid } : undefined
}
