import { readFile } from 'node:fs/promises'
import type { LoadResult, OutputOptions, Plugin, SourceMapInput } from 'rollup'
import type { UnpluginOptions } from 'unplugin'
import { maskLiterals } from '../pipeline/emit/mask.js'
import { VIRTUAL } from '../pipeline/emit/shim.js'
import { EITHER, eitherCode } from '../pipeline/emit/sync.js'
import { pathOf } from '../pipeline/leak-check/origins.js'
import { redactContents, scrubMap } from '../pipeline/leak-check/scrub.js'
import type { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type SyncForm, type Target } from '../pipeline/target.js'
import { compiledHost, rollupLike } from './rollup-like.js'
import { loadByOthers } from './rollup-loads.js'
import { NAME, transformHook } from './transform.js'
import { OWN_ID } from './virtual.js'

/** Returns the plugin of a session, which it may share with others. */
export function rollupHooks(build: BuildSession, target: Target = NODE_BUILD): UnpluginOptions {
  // Rollup reports the format when it renders an output, unless it is configured together with the input.
  let sync: SyncForm = 'either'
  const { load, resolveId, ...hooks } = rollupLike(
    build,
    (context, importer) => ({
      ...compiledHost(context, importer),
      target: { ...NODE_BUILD, sync },
    }),
    () => target,
  )
  const compiledTarget = () => ({ target: { ...target, sync }, isCompiled: true })
  const transform = transformHook(build, compiledTarget)
  let others: Plugin[] = []
  return {
    name: NAME,
    rollup: {
      ...hooks,
      options(input) {
        sync = syncFormOf(input)
        return hooks.options(input)
      },
      resolveImportMeta: (property, { format }) =>
        property === EITHER ? eitherCode(format) : null,
      buildStart(input) {
        others = input.plugins.filter(({ api }) => (api as Api | undefined)?.[NAME]?.() !== build)
        return hooks.buildStart.call(this, input)
      },
      // After plugins that compile, some of which check types.
      transform: {
        filter: transform.filter,
        order: 'post',
        handler(code, id) {
          return transform.handler.call(this as never, code, id)
        },
      },
      resolveId: {
        ...resolveId,
        filter: { id: [resolveId.filter.id, /^node:/] },
        handler(source, importer) {
          if (!source.startsWith('node:')) return resolveId.handler(source, importer)
          // Rollup would warn about an unresolved import in a module of ours.
          return importer !== undefined && OWN_ID.test(importer)
            ? { id: source, external: true }
            : null
        },
      },
      // The cache contains earlier values of a module that another plugin loads.
      shouldTransformCachedModule: ({ resolvedSources }) =>
        Object.keys(resolvedSources).some((source) => VIRTUAL.test(source)),
      // Rollup uses the result of `load` in maps, messages and its cache, so it must not contain plaintexts.
      load: {
        order: 'pre',
        async handler(id) {
          if (load.filter.id.test(id)) return load.handler.call(this, id)
          if (!build.includes(id)) return null
          const code = await readFile(id, 'utf8').catch(() => '')
          if (!build.hasPlaintextLiteral(code, id)) return null
          // Rollup watches only files that it reads itself.
          this.addWatchFile(id)
          const watch = (file: string) => this.addWatchFile(file)
          const loaded = await loadByOthers(others, this, id)
          // Masked, not sealed, because a plugin that checks types cannot resolve our modules.
          if (!loaded) return masked(code, id, build)
          const result = await build.transform(loaded.code, id, { ...compiledTarget(), watch })
          if (!result) return loaded
          const { ast: _, map, ...rest } = loaded
          return { ...rest, code: result.code, map: redactMap(map, build.isRedacted) }
        },
      },
    },
  }
}

function masked(code: string, id: string, build: BuildSession): LoadResult {
  const path = pathOf(id)
  const result = maskLiterals(code, path, build.fromRoot(path))
  return result && { code: result.code, map: result.map.toString() }
}

/** The command line and watch mode of Rollup configure the outputs together with the input. */
function syncFormOf(input: object): SyncForm {
  const { output } = input as { output?: OutputOptions | OutputOptions[] }
  const forms = [output ?? []]
    .flat()
    .map(({ format = 'es' }) => (['es', 'esm', 'module'].includes(format) ? 'await' : 'block'))
  return forms[0] && forms.every((form) => form === forms[0]) ? forms[0] : 'either'
}

type Api = Record<string, (() => unknown) | undefined>

/** Redacts the map of another plugin, which contains the source that it compiled. */
function redactMap(map: SourceMapInput | undefined, isRedacted: (source: string) => boolean) {
  if (typeof map === 'string') return scrubMap(map, isRedacted)
  if (map && 'sources' in map) redactContents(map, isRedacted)
  return map ?? null
}
