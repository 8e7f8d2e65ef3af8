import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'

/**
 * Returns a warning if the project's own TypeScript does not read the declaration of the names:
 * misspelt names would then pass the type check.
 */
export async function notIncluded(declaration: string): Promise<string | undefined> {
  const tsconfig = nearestTsconfig(dirname(declaration))
  const tsc = tsconfig && typescriptOf(dirname(tsconfig))
  if (!tsc) return undefined
  const shown = await showConfig(tsc, tsconfig)
  if (!shown) return undefined
  const folder = dirname(tsconfig)
  const isRead = (shown.files ?? []).some((file) => resolve(folder, file) === declaration)
  if (isRead) return undefined
  const entry = relative(folder, declaration).replaceAll('\\', '/')
  const include = [...(shown.include ?? shown.files ?? []).slice(0, 5), entry]
  return `${basename(tsconfig)} does not include ${entry}, so misspelt names of secrets pass the type check. Change it to: "include": ${JSON.stringify(include)}`
}

function nearestTsconfig(folder: string): string | undefined {
  const path = join(folder, 'tsconfig.json')
  if (existsSync(path)) return path
  const parent = dirname(folder)
  return parent === folder || existsSync(join(folder, '.git')) ? undefined : nearestTsconfig(parent)
}

function typescriptOf(folder: string): string | undefined {
  try {
    const require = createRequire(join(folder, 'package.json'))
    const manifest = require.resolve('typescript/package.json')
    const { bin } = require(manifest) as { bin: { tsc: string } }
    return join(dirname(manifest), bin.tsc)
  } catch {
    return undefined
  }
}

interface ShownConfig {
  files?: string[]
  include?: string[]
}

async function showConfig(tsc: string, tsconfig: string): Promise<ShownConfig | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [tsc, '-p', tsconfig, '--showConfig'],
      { env: { PATH: process.env.PATH }, timeout: 10_000, maxBuffer: 1 << 26 },
    )
    return JSON.parse(stdout) as ShownConfig
  } catch {
    return undefined
  }
}
