import { chmodSync, mkdtempSync, realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The command line program, as one file and its chunks. */
    program: string
    /** A folder for the projects in which it runs. */
    workspaces: string
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The AWS SDK is bundled too: loading its hundreds of files takes longer than most commands. */
const INLINED = /^@(?:aws-sdk|aws-crypto|smithy)\//

/** Builds the command line program from the sources once for all test files, and again when `vitest` reruns tests. */
export default async function setup(project: TestProject) {
  // In the repository, so that it finds the other packages.
  const folder = mkdtempSync(join(root, 'node_modules', '.unplugin-kms-cli-'))
  const built = () =>
    build({
      entryPoints: [join(root, 'src/cli/index.ts')],
      outdir: folder,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      mainFields: ['module', 'main'],
      plugins: [
        {
          name: 'external-packages',
          setup({ onResolve }) {
            onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
              kind === 'entry-point' || INLINED.test(path) ? undefined : { path, external: true },
            )
          },
        },
      ],
      logLevel: 'error',
    })
  await built()
  const workspaces = realpathSync(mkdtempSync(join(tmpdir(), 'unplugin-kms-cli-')))
  // For commands of another user.
  chmodSync(workspaces, 0o711)
  project.provide('workspaces', workspaces)
  project.provide('program', join(folder, 'index.js'))
  project.onTestsRerun(async () => void (await built()))
  return async () => {
    for (const path of [folder, workspaces]) await rm(path, { recursive: true, force: true })
  }
}
