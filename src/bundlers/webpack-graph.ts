import type { Compilation, Module } from 'webpack'
import type { Graph } from '../pipeline/leak-check/origins.js'

/** Made when it is asked for, which is when a build fails: Rspack makes an object of each module. */
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
  // Scope hoisting puts the modules of a bundle into one.
  const all = [...modules].flatMap((module) =>
    'modules' in module ? (module.modules as Module[]) : [module],
  )
  return new Map(all.flatMap((module) => (idOf(module) ? [[idOf(module)!, module] as const] : [])))
}

function idOf(module: Module | null): string | undefined {
  if (!module) return undefined
  // Of a module into which scope hoisting put others.
  if ('rootModule' in module) return idOf(module.rootModule as Module)
  return 'resource' in module ? String(module.resource) : undefined
}
