import { readdir, readFile } from 'node:fs/promises'

/**
 * Returns the licenses of the packages that a bundle contains.
 *
 * @param paths the bundle's modules, as absolute paths or relative to the repository.
 */
export async function licensesOf(paths) {
  const folders = new Set(
    paths.flatMap((path) => /(?:^|\/)(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  )
  const licenses = await Promise.all([...folders].sort().map(licenseOf))
  return licenses.join(`\n${'-'.repeat(80)}\n\n`)
}

async function licenseOf(folder) {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name))
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
  const text = file ? await readFile(`${folder}/${file}`, 'utf8') : `License: ${license}\n`
  return `${name} ${version}\n\n${text}`
}
