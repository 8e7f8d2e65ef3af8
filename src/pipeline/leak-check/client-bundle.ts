import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { KmsBuildError, placeText } from '../../errors.js'
import { type Mark, shown } from '../collect/mark.js'
import type { ShimCall } from '../emit/emit.js'
import { CLIENT } from '../emit/shim.js'
import type { Asset } from './examine.js'
import { importChain, pathOf, type Graph } from './origins.js'

/** A mark in a module of a browser bundle, with a string that is in the bundle if the mark is. */
export interface ClientMark {
  mark: Mark
  sentinel: string
}

/** Returns the mark without resolving its value. It may be dropped before the bundle is complete. */
export const clientMarks = (marks: Mark[]): ClientMark[] =>
  marks.map((mark) => ({
    mark,
    sentinel: `unplugin-kms: ${placeText(mark.place)} in a browser bundle`,
  }))

export const refusedCall = ({ sentinel }: ClientMark): ShimCall => ({
  from: CLIENT,
  export: 'refused',
  args: [sentinel],
})

/** Fails if a browser bundle contains a mark. @throws KmsBuildError CLIENT_BUNDLE. */
export function checkClientBundle(
  assets: Asset[],
  marks: (ClientMark & { id: string })[],
  { importersOf }: Graph,
  fromRoot: (path: string) => string,
  advice?: string,
) {
  if (!marks.length) return
  const code = assets
    .filter(({ name }) => !name.endsWith('.map'))
    .map(({ content }) => Buffer.from(content as Uint8Array))
  const reached = marks.find(({ sentinel }) => code.some((bytes) => bytes.includes(sentinel)))
  if (reached) throw inClient(reached.mark, userChain(reached.id, importersOf, fromRoot), advice)
}

/** Returns the import chain to a module, by the paths of the user's own modules. */
export function userChain(
  id: string,
  importersOf: Graph['importersOf'],
  fromRoot: (path: string) => string,
): string[] {
  const paths = importChain(id, importersOf)
    .filter((module) => !GENERATED.test(module) && !isGone(pathOf(module)))
    .map((module) => fromRoot(pathOf(module)))
    .filter((path) => !HIDDEN_FOLDER.test(path))
  // A framework may make several modules of one file.
  return paths.filter((path, index) => path !== paths[index - 1])
}

/** Modules of packages, and modules without a file: `virtual:x`, `solid-start:routes`, `@qwik-city-plan`. */
const GENERATED = /^\0|^[\w-]{2,}:(?![\\/])|^@[\w-]+$|[\\/]node_modules[\\/]/

/** Folders of a project that frameworks generate modules in: `.svelte-kit`, `.nuxt`. */
const HIDDEN_FOLDER = /^\.[\w-]+\//

/** Qwik names parts of a module as if they were files. */
const isGone = (path: string) => isAbsolute(path) && !existsSync(path)

const ADVICE =
  "Build for Node (esbuild: platform 'node'; Vite: an SSR build; webpack: target 'node'), or do not import the module in browser code."

/**
 * @param chain the modules that import each other from an entry to the mark, if known.
 * @param advice what to do next. Default: for a bundler without a framework.
 */
export function inClient(mark: Mark, chain: string[] = [], advice = ADVICE) {
  return new KmsBuildError(
    'CLIENT_BUNDLE',
    `${shown(mark)} would go into a browser bundle, which cannot decrypt it. ` +
      (chain.length > 1 ? `It is imported there by ${chain.join(' -> ')}. ` : '') +
      advice,
    mark.place,
  )
}
