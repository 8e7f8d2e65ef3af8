/// <reference lib="dom" />
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import type { Workspace } from '../cli/cli.js'
import type { browserOf } from './browser.js'

/** Seals a value in a page, as a person does. */
export const sealerIn =
  (open: ReturnType<typeof browserOf>) => async (path: string, name: string, value: string) => {
    const opened = await open(path)
    await opened.page.fill('#name', name)
    await opened.page.fill('#value', value)
    await opened.page.click('button[type=submit]')
    await opened.page.waitForSelector('#result:not([hidden])')
    return { ...opened, token: await opened.page.inputValue('#token') }
  }

/** Runs a command that must succeed. */
export async function ran(at: Workspace, ...args: string[]) {
  const result = await at.cli(args)
  if (result.code !== 0) throw new Error(result.stderr)
  return result
}

/** Returns the value of an entry of the workspace's secrets file, as a bundle decrypts it. */
export async function bundledValue(at: Workspace, name: string, node = process.execPath) {
  const [source, outfile] = [at.path('handler.ts'), at.path('handler.mjs')]
  await writeFile(
    source,
    `import { secret } from 'unplugin-kms/secret'\nprocess.stdout.write(await secret.named('${name}'))\n`,
  )
  await build({
    entryPoints: [source],
    outfile,
    absWorkingDir: at.folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [kmsEsbuild({ secretsFile: at.path('kms-secrets.json'), types: false })],
  })
  return (await promisify(execFile)(node, [outfile], { env: at.env })).stdout
}
