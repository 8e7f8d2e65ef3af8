import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { KmsBuildError, type BuildErrorCode } from '../errors.js'
import type { BundleOptions } from '../bundle/bundle.js'
import type { Options } from '../options/types.js'
import type { KeyPolicyPart } from '../policy/key-policy.js'
import type { Statement } from '../policy/statement.js'

/** What the child process builds. JSON. */
export interface FunctionBuild {
  entry: string
  outdir: string
  runtime: NonNullable<BundleOptions['runtime']>
  /** The plugin's options, or the path of a module whose default export they are. */
  kms: Options | string | undefined
  esbuild: BundleOptions['esbuild']
  /** What the key policies have in place of the role's ARN, which is not known yet. */
  principal: string
}

/** What it found in the bundle. */
export interface FunctionBuildResult {
  /** The statements that the role needs. */
  statements: Statement[]
  keyPolicyParts: KeyPolicyPart[]
  /** The names of the secrets in the bundle. */
  secrets: string[]
  warnings: string[]
}

export type FunctionBuildAnswer =
  | FunctionBuildResult
  | { error: { message: string; code?: string } }

/** A bundle takes seconds, and one whose sources are in AWS about a minute at most. */
const LIMIT_MS = 600_000

/**
 * Builds a function and waits for it: constructs are synchronous, and bundling is not.
 *
 * @throws KmsBuildError the errors of the build, and OPTIONS_INVALID for options that are not JSON.
 */
export function buildFunction(build: FunctionBuild): FunctionBuildResult {
  const script = fileURLToPath(new URL('../cdk/build-function.js', import.meta.url))
  // The answer has a pipe of its own: the build may print progress and questions.
  const { output, status, error } = spawnSync(process.execPath, [script], {
    input: JSON.stringify(build, refuseFunctions),
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
    timeout: LIMIT_MS,
    maxBuffer: 64 * 2 ** 20,
  })
  // There is no output if the process could not be started.
  const text = error ? '' : output[3]?.toString()
  if (!text)
    throw new KmsBuildError(
      'BUNDLE_FAILED',
      `the build of ${build.entry} ended without a result (${error?.message ?? `exit code ${String(status)}`}).`,
      undefined,
      { cause: error },
    )
  const answer = JSON.parse(text) as FunctionBuildAnswer
  if (!('error' in answer)) return answer
  const { code, message } = answer.error
  throw new KmsBuildError((code ?? 'BUNDLE_FAILED') as BuildErrorCode, message)
}

function refuseFunctions(key: string, value: unknown): unknown {
  if (typeof value !== 'function' && !(value instanceof RegExp)) return value
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    `the option ${key} of KmsFunction is a function or a regular expression. Put the plugin's options into a module, and its path into the property kms.`,
  )
}
