import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/**
 * Imports a bundle in a new process, awaits each of its exports, and returns them.
 * Bytes come back as `{ bytes: base64 }`.
 */
export async function exportsOf(
  bundle: string,
  env: Record<string, string>,
): Promise<Record<string, unknown>> {
  const script = join(dirname(bundle), 'read-exports.mjs')
  await writeFile(
    script,
    `import * as bundle from ${JSON.stringify(pathToFileURL(bundle).href)}
const read = {}
for (const [name, value] of Object.entries(bundle.default?.__esModule ? bundle.default : bundle)) {
  const opened = await value
  read[name] = opened instanceof Uint8Array ? { bytes: Buffer.from(opened).toString('base64') } : opened
}
process.stdout.write(JSON.stringify(read))`,
  )
  return JSON.parse(await run(script, env)) as Record<string, unknown>
}

/** What a script prints, in a process that has this environment and no other. */
export async function run(
  script: string,
  env: Record<string, string> = {},
  nodeOptions: string[] = [],
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeOptions, script], {
    env,
    maxBuffer: 64 * 2 ** 20,
  })
  return stdout
}
