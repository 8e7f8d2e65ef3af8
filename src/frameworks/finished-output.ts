import { readFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { assetOf, type Asset } from '../pipeline/leak-check/examine.js'
import type { BuildSession } from '../pipeline/session.js'

/**
 * Checks all files that a framework has written, after its last step. Frameworks build several
 * bundles, and write the first before the last one's plaintexts are known.
 *
 * @param kept the names in the folder that are not outputs of the build.
 * @returns the files that were checked.
 * @throws KmsBuildError, after the outputs were removed.
 */
export async function checkFinishedOutput(
  build: BuildSession,
  folder: string,
  kept: string[] = [],
): Promise<Asset[]> {
  const names = (await readdir(folder)).filter((name) => !kept.includes(name))
  const paths = (await Promise.all(names.map((name) => filesBelow(join(folder, name))))).flat()
  const assets = paths.map((path) =>
    assetOf(relative(folder, path).split(sep).join('/'), () => readFileSync(path)),
  )
  try {
    await build.outputs.check(assets)
    return assets
  } catch (error) {
    if (!(error instanceof KmsBuildError)) throw error
    await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })))
    throw error
  }
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null)
  if (!entries) return [path]
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}
