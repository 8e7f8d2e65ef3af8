// Packs the packages as they would be published, checks them, and builds and runs the README's
// example in empty projects that depend on nothing but `unplugin-kms` and esbuild.
import { execFile, execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkGuide } from './check-guide.mjs'
import { runPage } from './run-page.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const PACKAGES = ['.', 'packages/runtime', 'packages/local-kms']
const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
const YARN = {
  YARN_ENABLE_GLOBAL_CACHE: 'false',
  YARN_ENABLE_TELEMETRY: 'false',
  YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  YARN_NPM_REGISTRY_SERVER: registry,
  YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
}
const SECRET = 'sk_live_check_4eC39HqLyjWDarjtT1zdp7dc'

/** Runs a command, and fails with what it printed. */
async function run(command, args, { cwd = root, env = {} } = {}) {
  try {
    return (
      await promisify(execFile)(command, args, {
        cwd,
        env: { ...process.env, ...env },
        maxBuffer: 2 ** 26,
      })
    ).stdout
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout}\n${error.stderr}`, {
      cause: error,
    })
  }
}

const bin = (name) => join(root, 'node_modules/.bin', name)

/** The README's code blocks that begin with a file's name. */
async function readmeExample() {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  return [...readme.matchAll(/```\w+\n\/\/ (\S+)\n([^]*?)```/g)].map(([, name, code]) => [
    name,
    code,
  ])
}

async function emptyProject(folder, tarballs) {
  const overrides = Object.fromEntries(
    Object.entries(tarballs)
      .filter(([name]) => name !== 'unplugin-kms')
      .map(([name, path]) => [name, `file:${path}`]),
  )
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      devDependencies: {
        'unplugin-kms': `file:${tarballs['unplugin-kms']}`,
        esbuild: require('esbuild/package.json').version,
      },
      overrides,
      resolutions: overrides,
    }),
  )
  // Yarn with Plug'n'Play, its default: no node_modules, and each package sees what it names alone.
  await writeFile(join(folder, 'yarn.lock'), '')
  // pnpm reads its overrides here, and hides what a project does not name itself.
  await writeFile(
    join(folder, 'pnpm-workspace.yaml'),
    `overrides:\n${Object.entries(overrides)
      .map(([name, path]) => `  '${name}': '${path}'\n`)
      .join('')}`,
  )
  for (const [name, code] of await readmeExample()) {
    if (name.includes('config')) continue
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), code)
  }
}

/** @param {string[]} exec how the package manager starts what it installed */
async function buildAndRun(folder, exec) {
  const cli = [...exec, 'unplugin-kms', 'local', '--memory', '--key', 'alias/app', '--']
  await writeFile(
    join(folder, 'run.mjs'),
    `import { handler } from './dist/handler.mjs'\nconsole.log(JSON.stringify(await handler()))\n`,
  )
  const [command, ...args] = [...cli, 'sh', '-c', 'node build.mjs && node run.mjs']
  const printed = await run(command, args, {
    cwd: folder,
    env: { ...YARN, STRIPE_KEY: SECRET },
  })
  const bundle = await readFile(join(folder, 'dist/handler.mjs'), 'utf8')
  if (bundle.includes(SECRET) || !bundle.includes('kms:v1:'))
    throw new Error('the bundle does not contain its secret as ciphertext')
  if (!printed.includes(`key of ${SECRET.length} characters`))
    throw new Error(`the function answered: ${printed}`)
}

/** Runs every command of the README and the guide, in empty projects, against an embedded KMS. */
async function checkReadme(folder, tarballs) {
  await mkdir(folder, { recursive: true })
  const { startLocalKms } = await import('@unplugin-kms/local-kms')
  const kms = await startLocalKms()
  const key = await kms.createKey({ alias: 'alias/app' })
  await kms.createKey({ alias: 'alias/orders' })
  const role = kms.createRole({
    name: 'orders',
    policies: [
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'kms:Decrypt', Resource: key.arn }],
      },
    ],
  })
  const state = { XDG_STATE_HOME: join(folder, '../state'), npm_config_prefer_offline: 'true' }
  try {
    const { printed, seconds, commands } = await runPage(
      join(root, 'README.md'),
      folder,
      tarballs,
      {
        ...kms.env,
        ...state,
      },
    )
    for (const expected of ['signed in with a key of 24 characters', 'STRIPE_KEY', 'kms:Decrypt'])
      if (!printed.includes(expected)) throw new Error(`README: no "${expected}" in\n${printed}`)
    console.log(
      `README: its ${commands} commands succeed in an empty project, in ${seconds.toFixed(1)} s`,
    )
    const account = { kms, role: role.arn, key: key.arn, env: { ...kms.env, ...state } }
    await checkGuide(join(root, 'docs'), folder, account)
  } finally {
    await kms.close()
  }
}

const work = await mkdtemp(join(tmpdir(), 'unplugin-kms-pack-'))
try {
  const tarballs = {}
  for (const folder of PACKAGES) {
    const [{ name, filename, size, files }] = JSON.parse(
      await run('npm', ['pack', '--json', '--pack-destination', work], { cwd: join(root, folder) }),
    )
    tarballs[name] = join(work, filename)
    console.log(`packed ${name}: ${files.length} files, ${(size / 1024).toFixed(1)} KB`)
    await run(bin('publint'), ['run', tarballs[name], '--strict'])
    await run(bin('attw'), [tarballs[name], '--profile', 'esm-only'])
  }
  // What users import in their sources may be compiled to CommonJS.
  const marks = ['--entrypoints', 'secret', 'secret/sync', 'jest/marks', '--profile', 'node16']
  await run(bin('attw'), [tarballs['unplugin-kms'], ...marks])
  const node = (path, ...args) => [process.execPath, join(root, 'node_modules', path), ...args]
  const npm = ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline']
  const pnpm = node('pnpm/bin/pnpm.cjs')
  const yarn = node('@yarnpkg/cli-dist/bin/yarn.js')
  const store = ['--prefer-offline', '--store-dir', join(work, 'pnpm-store')]
  for (const [manager, [command, ...install], exec] of [
    ['npm', npm, ['npm', 'exec', '--']],
    ['pnpm', [...pnpm, 'install', ...store], [...pnpm, 'exec']],
    ['Yarn', [...yarn, 'install'], [...yarn, 'exec']],
  ]) {
    const folder = join(work, `with-${manager}`)
    await emptyProject(folder, tarballs)
    await run(command, install, { cwd: folder, env: YARN })
    await buildAndRun(folder, exec)
    console.log(
      `installed with ${manager} into an empty project: the README's example builds and runs`,
    )
  }
  await checkReadme(join(work, 'readme'), tarballs)
} finally {
  await rm(work, { recursive: true, force: true })
}
