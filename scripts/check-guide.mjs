// Runs the commands of the guide pages, each page in a copy of the project that the README made.
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { runPage } from './run-page.mjs'

/**
 * What a page takes for granted, apart from a built project with a secrets file.
 *
 * @typedef {object} Setup
 * @property {(project: Project) => Promise<unknown>} [prepare]
 * @property {Record<string, (project: Project) => unknown>} [values] what stands for placeholders
 *
 * @typedef {{ folder: string, kms: import('@unplugin-kms/local-kms').LocalKms, role: string, key: string }} Project
 */

const cli = (folder, args) =>
  promisify(execFile)('npx', ['unplugin-kms', ...args.split(' ')], { cwd: folder })

const secretsFile = async ({ folder }) =>
  JSON.parse(await readFile(join(folder, 'kms-secrets.json'), 'utf8'))

async function zipOfBundle({ folder }) {
  const source = await readFile(new URL('../test/inspect/zip.ts', import.meta.url), 'utf8')
  const { code } = await transform(source, { loader: 'ts' })
  const { zip } = await import(`data:text/javascript,${encodeURIComponent(code)}`)
  const bundle = await readFile(join(folder, 'dist/handler.mjs'), 'utf8')
  return zip({ 'handler.mjs': bundle })
}

/** @type {Record<string, Setup>} */
export const GUIDE = {
  'ci.md': {
    prepare: async ({ folder }) => {
      await promisify(execFile)('git', ['init', '-q'], { cwd: folder })
      await writeFile(join(folder, '.env'), 'OTHER_KEY=a-value-that-is-in-no-bundle\n')
    },
  },
  'development.md': {},
  'doctor.md': {
    prepare: async (project) => {
      const { folder, kms, role } = project
      // The packages that the page names. Linked, since npm would install all packages again.
      for (const name of ['client-iam', 'client-lambda', 'client-ec2']) {
        const path = `node_modules/@aws-sdk/${name}`
        await symlink(fileURLToPath(new URL(`../${path}`, import.meta.url)), join(folder, path))
      }
      kms.createFunction({ name: 'orders', role, code: await zipOfBundle(project) })
    },
    values: { '--role …': ({ role }) => `--role ${role}` },
  },
  'infrastructure.md': {},
  'inspect.md': {
    prepare: async (project) => {
      const { folder } = project
      await writeFile(join(folder, 'function.zip'), await zipOfBundle(project))
      await cli(folder, 'inspect function.zip --html kms-manifest.json')
    },
  },
  'pages.md': {
    values: {
      // The name is part of what is encrypted, which nothing here decrypts.
      'kms:v1:…': async (project) => Object.values((await secretsFile(project)).secrets)[0],
    },
  },
  'policy.md': {
    prepare: ({ folder }) =>
      cli(
        folder,
        'init --scope billing --key alias/app --context app=orders --context scope=billing',
      ),
    values: { '--key ARN': ({ key }) => `--key ${key}` },
  },
  'process-env.md': {},
  'sources.md': {},
  'testing.md': {},
  'trust.md': {
    prepare: async ({ folder }) => {
      await cp(join(folder, 'dist/handler.mjs'), join(folder, 'dist/billing.mjs'))
      await rm(join(folder, 'kms-secrets.json'))
    },
  },
  'where-it-runs.md': {},
}

/**
 * @param {string} docs the folder of the pages
 * @param {string} from the project that the README made
 * @param {Omit<Project, 'folder'> & { env: Record<string, string> }} account
 */
export async function checkGuide(docs, from, { env, ...account }) {
  Object.assign(process.env, env)
  for (const [page, { prepare, values = {} }] of Object.entries(GUIDE)) {
    const folder = `${from}-${page}`
    await mkdir(folder)
    for (const name of await readdir(from))
      if (name === 'node_modules') await symlink(join(from, name), join(folder, name))
      else await cp(join(from, name), join(folder, name), { recursive: true })
    const project = { folder, ...account }
    await prepare?.(project)
    const replaced = await Promise.all(
      Object.entries(values).map(async ([text, value]) => [text, await value(project)]),
    )
    const { commands } = await runPage(join(docs, page), folder, {}, env, (script) =>
      replaced.reduce((all, [text, value]) => all.replaceAll(text, value), script),
    )
    console.log(`docs/${page}: its ${commands} commands succeed`)
  }
}
