import type { Compilation, Module } from 'webpack'
import type { Graph } from '../pipeline/leak-check/origins.js'

/** Returns the module graph, built on demand: Rspack creates an object for each module. */
export function graphOf(compilation: Compilation): Graph {
  let known: Map<string, Module> | undefined
  const byId = () => (known ??= modulesById(compilation.modules))
  return {
    get inputs() {
      return byId().keys()
    },
    importersOf: (id) =>
      [...compilation.moduleGraph.getIncomingConnections(byId().get(id)!)].flatMap(
        ({ originModule }) => idOf(originModule) ?? [],
      ),
  }
}

function modulesById(modules: Iterable<Module>): Map<string, Module> {
  // Scope hoisting concatenates modules.
  const all = [...modules].flatMap((module) =>
    'modules' in module ? (module.modules as Module[]) : [module],
  )
  return new Map(all.flatMap((module) => (idOf(module) ? [[idOf(module)!, module] as const] : [])))
}

function idOf(module: Module | null): string | undefined {
  if (!module) return undefined
  // The importers of a concatenated module.
  if ('rootModule' in module) return idOf(module.rootModule as Module)
  return 'resource' in module ? String(module.resource) : undefined
}
