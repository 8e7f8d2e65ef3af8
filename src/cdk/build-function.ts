// The child process of function-build.ts: bundles one function, and writes what it needs to a pipe.
import { writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { json } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { bundleFunctions } from '../bundle/bundle.js'
import { KmsBuildError } from '../errors.js'
import { inspect } from '../inspect/inspect.js'
import type { Options } from '../options/types.js'
import { keyPolicyParts } from '../policy/key-policy.js'
import { runtimePolicy } from '../policy/runtime-policy.js'
import type { FunctionBuild, FunctionBuildAnswer } from './function-build.js'

const ANSWER = 3

async function build(): Promise<FunctionBuildAnswer> {
  const { entry, outdir, runtime, kms, esbuild, principal } = (await json(
    process.stdin,
  )) as FunctionBuild
  const options = typeof kms === 'string' ? await optionsIn(kms) : kms
  const { files, others, warnings } = await bundleFunctions({
    entries: [entry],
    outdir,
    runtime,
    ...(options && { kms: options }),
    ...(esbuild && { esbuild }),
  })
  const bundles = files.map(({ path }) => resolve(path))
  const statements = await runtimePolicy({ bundles })
  const { secrets } = await inspect(bundles)
  return {
    statements,
    keyPolicyParts: keyPolicyParts(statements, principal),
    secrets: secrets.map(({ name }) => name).filter((name) => name !== null),
    warnings: [
      ...warnings,
      ...others.map(
        (path) =>
          `${path} is not part of the bundle, and was not searched for plaintexts. It is deployed with it: remove it.`,
      ),
    ],
  }
}

async function optionsIn(path: string): Promise<Options> {
  const { default: options } = (await import(pathToFileURL(resolve(path)).href)) as {
    default?: Options
  }
  if (options) return options
  throw new KmsBuildError('OPTIONS_INVALID', `${path} has no options as its default export.`)
}

async function answer(): Promise<FunctionBuildAnswer> {
  try {
    return await build()
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    const end = ` [${code}]`
    // The parent adds the code again.
    const text = message.endsWith(end) ? message.slice(0, -end.length) : message
    return { error: { message: text, ...(code !== undefined && { code }) } }
  }
}

writeSync(ANSWER, JSON.stringify(await answer()))
