import { execFile, execFileSync, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { declaration } from '../../src/secrets-file/typings.js'
import { project } from '../support/project.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')

/** unplugin-kms/secret as it would be published, of the sources as they stand. */
let installed: string
beforeAll(async () => {
  installed = await mkdtemp(join(tmpdir(), 'unplugin-kms-marks-'))
  await cp(join(root, 'package.json'), join(installed, 'package.json'))
  execFileSync(process.execPath, [
    tsc,
    ...['secret', 'secret-sync'].map((name) => join(root, `src/secret/${name}.ts`)),
    ...['--ignoreConfig', '--declaration', '--module', 'nodenext', '--target', 'es2022'],
    ...['--strict', '--types', '', '--rootDir', join(root, 'src')],
    ...['--outDir', join(installed, 'dist')],
  ])
  execFileSync(process.execPath, [join(root, 'scripts/build-marks.mjs')], { cwd: installed })
})
afterAll(() => rm(installed, { recursive: true, force: true }))

/** A project that has it installed, with a declaration of names next to its secrets file. */
async function typescriptProject(type: 'module' | 'commonjs', names: string[]) {
  const folder = await project({
    'package.json': JSON.stringify({ type }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: { module: 'nodenext', strict: true, types: [], noEmit: true },
    }),
    'kms-secrets.d.ts': declaration(names),
  })
  await mkdir(join(folder, 'node_modules'))
  await symlink(installed, join(folder, 'node_modules/unplugin-kms'))
  return folder
}

/** Writes files into a project. @returns the type errors that it then has. */
async function typeErrors(folder: string, files: Record<string, string>): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return new Promise((resolve) =>
    execFile(process.execPath, [tsc, '-p', folder], (_, stdout) =>
      resolve(stdout.split('\n').filter((line) => line.includes(': error '))),
    ),
  )
}

const IMPORT = "import { secret } from 'unplugin-kms/secret'\n"
const SYNC = "import { secret } from 'unplugin-kms/secret/sync'\n"

describe.each(['module', 'commonjs'] as const)('in a TypeScript project of type %s', (type) => {
  it('accepts any name of the secrets file, and a misspelt one is a type error', async () => {
    const folder = await typescriptProject(type, ['DB_PASSWORD', 'it\'s "quoted"', 'ключ'])
    const good = [
      `export const a: Promise<string> = secret.named('DB_PASSWORD')`,
      `export const b: Promise<Uint8Array> = secret.named('it\\'s "quoted"', 'bytes')`,
      `export const c: Promise<{ d: 1 }> = secret.named<{ d: 1 }>('ключ', 'json')`,
    ]
    expect(
      await typeErrors(folder, {
        'good.ts': IMPORT + good.join('\n'),
        'sync.ts': `${SYNC}export const a: string = secret.named('DB_PASSWORD')`,
        'bad.ts': `${IMPORT}export const a = secret.named('DB_PASWORD')`,
        'bad-sync.ts': `${SYNC}export const a = secret.named('DB_PASWORD')`,
      }),
    ).toEqual([
      expect.stringMatching(/^.*bad-sync\.ts\(2,\d+\): error .*"DB_PASWORD"/),
      expect.stringMatching(/^.*bad\.ts\(2,\d+\): error .*"DB_PASWORD"/),
    ])
  })
})

it('accepts any name if the declaration is empty', async () => {
  const folder = await typescriptProject('module', [])
  expect(
    await typeErrors(folder, { 'a.ts': `${IMPORT}export const a = secret.named('ANY')` }),
  ).toEqual([])
})

it('lets an editor complete the names', async () => {
  const folder = await typescriptProject('module', ['DB_PASSWORD', 'STRIPE_KEY'])
  const text = `${IMPORT}secret.named('')\n`
  const labels = await completions(folder, 'a.ts', text, { line: 1, character: 14 })
  expect(labels).toEqual(['DB_PASSWORD', 'STRIPE_KEY'])
})

/** What TypeScript's language server offers at a place of a file, asked as an editor asks. */
async function completions(folder: string, name: string, text: string, position: object) {
  await writeFile(join(folder, name), text)
  const uri = pathToFileURL(join(folder, name)).href
  const server = spawn(process.execPath, [tsc, '--lsp', '--stdio'], { cwd: folder })
  const send = (message: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
  const initialize = { processId: null, rootUri: null, capabilities: {} }
  const textDocument = { uri, languageId: 'typescript', version: 1, text }
  send({ id: 1, method: 'initialize', params: initialize })
  try {
    for await (const { id, method, result } of messagesOf(server.stdout)) {
      if (method !== undefined && id !== undefined) send({ id, result: null })
      else if (id === 1) {
        send({ method: 'initialized', params: {} })
        send({ method: 'textDocument/didOpen', params: { textDocument } })
        send({ id: 2, method: 'textDocument/completion', params: { textDocument, position } })
      } else if (id === 2) return result!.items.map(({ label }) => label)
    }
    throw new Error('the language server ended')
  } finally {
    server.kill()
  }
}

interface Message {
  id?: number | string
  method?: string
  result?: { items: { label: string }[] }
}

async function* messagesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Message> {
  let left = Buffer.alloc(0)
  for await (const chunk of stream) {
    left = Buffer.concat([left, chunk])
    for (;;) {
      const [header, length] = /^Content-Length: (\d+)\r\n\r\n/.exec(left.toString('latin1')) ?? []
      const end = header === undefined ? Infinity : header.length + Number(length)
      if (left.length < end) break
      yield JSON.parse(left.subarray(header!.length, end).toString()) as Message
      left = left.subarray(end)
    }
  }
}
