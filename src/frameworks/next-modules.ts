import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative, resolve, sep } from 'node:path'
import { KmsBuildError } from '../errors.js'
import type { Options } from '../options/types.js'
import { collect } from '../pipeline/collect/collect.js'
import { shown } from '../pipeline/collect/mark.js'
import type { EmittedModule } from '../pipeline/emit/emit.js'
import type { BuildSession } from '../pipeline/session.js'
import type { Watch } from '../pipeline/target.js'
import { inlineVirtualModules } from './next-inline.js'

/** Where Next.js runs a module. */
export type NextTarget = 'server' | 'browser' | 'edge'

/** The request of a loader. */
export interface ModuleRequest {
  code: string
  id: string
  target: NextTarget
}

/** The response to a loader. Without a result, the module does not change. */
export interface ModuleResponse {
  watched: string[]
  result?: { code: string; map: unknown } | null
  error?: string
}

const ENV_FILES = ['.env.development.local', '.env.local', '.env.development', '.env']

/** Next.js removes these functions, and the imports that only they use, from a page for browsers. */
const DATA_FUNCTION = /\bget(?:ServerSideProps|StaticProps|StaticPaths)\b/
const PAGE = /^(?:src\/)?pages\//

/** Transforms the modules of a Next.js app. */
export class NextModules {
  readonly #build: BuildSession
  readonly #root: string
  readonly #isDev: boolean
  readonly #secretsFile: string
  readonly #loadEnv: (() => void) | null

  constructor(build: BuildSession, options: Options, root: string, isDev: boolean) {
    this.#build = build
    this.#root = root
    this.#isDev = isDev
    this.#secretsFile = resolve(options.secretsFile ?? 'kms-secrets.json')
    this.#loadEnv = isDev ? envLoader(root) : null
  }

  async transform({ code, id, target }: ModuleRequest): Promise<ModuleResponse> {
    const watched = new Set<string>()
    const watch = (file: string) => void watched.add(file)
    try {
      if (this.#isDev) this.#readAgain(watch)
      const result = await this.#transform(code, id, target, watch)
      return {
        watched: [...watched],
        result: result && {
          code: await inlineVirtualModules(result.code, this.#build, watch),
          map: result.map,
        },
      }
    } catch (error) {
      return { watched: [...watched], error: wrapped((error as Error).message) }
    }
  }

  /** No hook reports a changed secrets file or `.env` file. Reading them again is cheap. */
  #readAgain(watch: Watch): void {
    this.#build.forget(this.#secretsFile)
    this.#loadEnv?.()
    for (const file of ENV_FILES.map((name) => join(this.#root, name)))
      if (existsSync(file)) watch(file)
  }

  async #transform(
    code: string,
    id: string,
    target: NextTarget,
    watch: Watch,
  ): Promise<EmittedModule | null> {
    const file = relative(this.#root, id).split(sep).join('/')
    if (target === 'edge') refuseEdge(code, file)
    const result = await this.#build.transform(code, id, {
      target: {
        platform: target === 'browser' ? 'browser' : 'node',
        command: this.#isDev ? 'serve' : 'build',
        format: 'esm',
      },
      watch,
    })
    const mayBeRemoved = PAGE.test(file) && DATA_FUNCTION.test(code)
    if (result && target === 'browser' && !mayBeRemoved)
      this.#build.outputs.checkClientModule(result.code)
    return result
  }
}

/** Breaks lines at spaces: Next.js shows a message in the browser as it is, in a box of 110 columns. */
const wrapped = (message: string) => message.replaceAll(/(.{1,100})(?: |$)/g, '$1\n').trimEnd()

/** Fails for a module in the Edge runtime. @throws KmsBuildError EDGE_RUNTIME if it has marks. */
function refuseEdge(code: string, file: string): void {
  const mark = collect(code, file)?.marks[0]
  if (!mark) return
  throw new KmsBuildError(
    'EDGE_RUNTIME',
    `${shown(mark)} is in a module that runs in the Edge runtime, which lacks node:https and node:crypto. Run the module in the Node.js runtime: remove export const runtime = 'edge', and rename middleware.ts to proxy.ts.`,
    mark.place,
  )
}

/** Returns a function that reads `.env` files into the environment as Next.js does. */
function envLoader(root: string): (() => void) | null {
  try {
    const next = createRequire(join(root, 'package.json')).resolve('next/package.json')
    const { loadEnvConfig } = createRequire(next)('@next/env')
    const silent = { info() {}, error() {} }
    return () => void loadEnvConfig(root, true, silent, true)
  } catch {
    return null
  }
}
