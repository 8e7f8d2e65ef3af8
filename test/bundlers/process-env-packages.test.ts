import { existsSync } from 'node:fs'
import { cp, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import * as commonjs from '@rollup/plugin-commonjs'
import * as nodeResolve from '@rollup/plugin-node-resolve'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lambdaNode, startLambda } from '../../fixtures/lambda-runtime/index.mjs'
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
  stripe: 'function',
  late: [VALUES.PGPASSWORD, 'function'],
}
const SECOND = { atLoad: VALUES.STRIPE_KEY, stripe: 'function' }

const ALL = Object.keys(HOSTS) as HostName[]
const TESTED = (process.env.ONLY?.split(',') as HostName[] | undefined) ?? ALL
const FORMATS = ['esm', 'cjs'] as const
const WAYS = TESTED.flatMap((host) => FORMATS.map((format) => ({ host, format })))

const json = {
  name: 'json',
  transform: (code: string, id: string) => (id.endsWith('.json') ? `export default ${code}` : null),
}
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`

/** What a user configures to bundle packages in CommonJS. */
const BUNDLING: Partial<Record<HostName, (format: Cell['format']) => Partial<Cell>>> = {
  esbuild: (format) => (format === 'esm' ? { more: { banner: { js: REQUIRE } } } : {}),
  rollup: (format) => ({
    ...(format === 'esm' && { more: { banner: REQUIRE } }),
    external: [],
    after: [
      nodeResolve.nodeResolve({ preferBuiltins: true }),
      json,
      Reflect.apply(commonjs.default as never, undefined, [
        { ignoreDynamicRequires: true, ignore: OPTIONAL },
      ]),
    ],
  }),
  vite: () => ({ more: { ssr: { noExternal: true } } }),
  webpack: (format) => (format === 'esm' ? { more: { externalsType: 'node-commonjs' } } : {}),
  rspack: (format) => (format === 'esm' ? { more: { externalsType: 'node-commonjs' } } : {}),
}

/** Lambda's own Node versions, which come from npm, and else this one. */
const LAMBDAS = ([22, 24] as const).flatMap((major) => {
  const node = lambdaNode(major)
  return node ? [{ node, client: 'aws-lambda-ric-4' }] : []
})
const RUNTIMES = LAMBDAS.length ? LAMBDAS : [{ node: process.execPath, client: 'aws-lambda-ric' }]

// `npm ci --prefix fixtures/process-env/real` installs the packages.
describe.skipIf(!existsSync(join(REAL, 'node_modules')))(
  `packages that read process.env while they are loaded, in ${LAMBDAS.length ? 'Node 22 and 24' : 'this Node'}`,
  () => {
    // Farm 1.7 does not resolve the exports of stripe.
    const inside = WAYS.filter(({ host }) => host !== 'farm')
    it.each(inside)('see the variables in the split bundle of $host, $format', ({ host, format }) =>
      seenBy(host, { format, external: OPTIONAL, ...BUNDLING[host]?.(format) }),
    )

    const outside = WAYS.filter(({ host }) => process.env.CI_MATRICES === '1' || host === 'farm')
    it.each(outside)(
      'see the variables outside of the bundle of $host, $format',
      ({ host, format }) => seenBy(host, { format, external: PACKAGES }),
    )

    async function seenBy(host: HostName, cell: Partial<Cell>) {
      const root = await project({ 'package.json': '{}' })
      await cp(join(REAL, 'src'), join(root, 'src'), { recursive: true })
      await symlink(join(REAL, 'node_modules'), join(root, 'node_modules'))
      const built = await buildProject(
        shared,
        host,
        root,
        {
          entries: { main: 'main.ts', second: 'second.ts' },
          options: { processEnv: true },
          ...cell,
        },
        VALUES,
      )
      expect(built.failed, built.terminal).toBe(false)
      for (const value of Object.values(VALUES))
        expect(built.files.filter(([, content]) => content.includes(value))).toEqual([])
      for (const runtime of RUNTIMES)
        for (const [entry, answer] of Object.entries({ main: SEEN, second: SECOND })) {
          const bundle = join(built.outdir, `${entry}${cell.format === 'cjs' ? '.cjs' : '.mjs'}`)
          const lambda = await startLambda({ bundle, env: shared.kms.env, ...runtime })
          const before = decrypts(shared.kms)
          expect(await lambda.invoke({}), lambda.output).toEqual({ answer })
          await lambda.stop()
          expect(decrypts(shared.kms) - before, 'one unwrap a process').toBe(1)
        }
    }
  },
)
