import { existsSync } from 'node:fs'
import { cp, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { project } from '../support/project.js'
import { bench, buildProject, decrypts, type Bench } from './fixture.js'
import { HOSTS, type Cell, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const REAL = join(import.meta.dirname, '../../fixtures/process-env/real')
const PACKAGES = ['@auth/core', '@sentry/node', 'knex', 'pg', 'stripe']
/** Drivers that knex loads if they are there. */
const OPTIONAL = [
  'better-sqlite3',
  'mariadb/callback',
  'mysql',
  'mysql2',
  'oracledb',
  'pg-native',
  'pg-query-stream',
  'sqlite3',
  'tedious',
]

const VALUES = {
  AUTH_SECRET: 'planted-auth-secret-1Q',
  SENTRY_DSN: 'https://plantedpublickey2R@sentry.example/1',
  DATABASE_URL: 'postgres://app:planted-database-3S@db.example/app',
  PGPASSWORD: 'planted-password-4T',
  STRIPE_KEY: 'sk_live_planted5U',
}
const SEEN = {
  auth: [VALUES.AUTH_SECRET],
  dsn: 'plantedpublickey2R',
  knex: 'planted-database-3S',
  pg: VALUES.PGPASSWORD,
}

const ALL = Object.keys(HOSTS) as HostName[]
const TESTED = (process.env.ONLY?.split(',') as HostName[] | undefined) ?? ALL
const OUTSIDE = TESTED.flatMap((host) =>
  (['esm', 'cjs'] as const).map((format) => ({
    host,
    format,
    where: 'outside of',
    external: PACKAGES,
  })),
)
/** These bundle packages without further plugins. */
const BUNDLING: HostName[] = ['esbuild', 'rolldown', 'webpack', 'rspack', 'bun']
const INSIDE = TESTED.filter((host) => BUNDLING.includes(host)).map((host) => ({
  host,
  format: 'cjs' as const,
  where: 'in',
  external: OPTIONAL,
}))

// `npm ci --prefix fixtures/process-env/real` installs the packages.
describe.skipIf(!existsSync(join(REAL, 'node_modules')))(
  'packages that read process.env while they are loaded',
  () => {
    it.each([...OUTSIDE, ...INSIDE])(
      'see the variables, $where the bundle of $host, $format',
      async ({ host, format, external }) => {
        const root = await project({ 'package.json': '{}' })
        await cp(join(REAL, 'src'), join(root, 'src'), { recursive: true })
        await symlink(join(REAL, 'node_modules'), join(root, 'node_modules'))
        const cell: Partial<Cell> = { format, external, options: { processEnv: true } }
        const built = await buildProject(shared, host, root, cell, VALUES)
        expect(built.failed, built.terminal).toBe(false)
        for (const value of Object.values(VALUES))
          expect(built.files.filter(([, content]) => content.includes(value))).toEqual([])
        const lambda = await startLambda({
          bundle: join(built.outdir, format === 'cjs' ? 'main.cjs' : 'main.mjs'),
          env: shared.kms.env,
        })
        const before = decrypts(shared.kms)
        expect(await lambda.invoke({}), lambda.output).toMatchObject({ answer: SEEN })
        await lambda.stop()
        expect(decrypts(shared.kms) - before).toBe(1)
      },
    )
  },
)
