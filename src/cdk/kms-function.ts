import { rmSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { Annotations, Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import {
  Code,
  Function as LambdaFunction,
  type FunctionOptions,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { type BundleOptions, type LambdaRuntime, RUNTIMES } from '../bundle/bundle.js'
import { KmsBuildError } from '../errors.js'
import type { Options } from '../options/types.js'
import { buildFunction, type FunctionBuildResult } from './function-build.js'

/** The properties of a {@link KmsFunction}: those of a function, and what to build. */
export interface KmsFunctionProps extends FunctionOptions {
  /** The module with the handler, relative to the working directory. */
  readonly entry: string
  /** @defaultValue `handler` */
  readonly handler?: string
  /** @defaultValue `Runtime.NODEJS_22_X` */
  readonly runtime?: Runtime
  /**
   * The plugin's options, or the path of a module whose default export they are: functions cannot be
   * passed to the process that builds.
   */
  readonly kms?: Options | string
  /** Options of esbuild that are JSON. */
  readonly esbuild?: BundleOptions['esbuild']
  /**
   * The folder of the bundle, of this function alone.
   * @defaultValue a folder in `node_modules/.cache/unplugin-kms`
   */
  readonly outdir?: string
}

/** Replaced by the ARN of the role, which is not known while the function is built. */
const ROLE = 'arn:aws:iam::000000000000:role/unplugin-kms'

const EMPTY: FunctionBuildResult = { statements: [], keyPolicyParts: [], secrets: [], warnings: [] }

/**
 * A Lambda function whose secrets are encrypted in its bundle. Its role may decrypt them, and gets
 * nothing else of KMS.
 *
 * @example
 * ```ts
 * import { KmsFunction } from 'unplugin-kms/cdk'
 *
 * const handler = new KmsFunction(stack, 'Handler', { entry: 'src/handler.ts' })
 * handler.addToKeyPolicy(key) // if the key policy does not let IAM policies decide
 * ```
 */
export class KmsFunction extends LambdaFunction {
  /** The KMS keys that decrypt the secrets. Empty if the stack is not built in this run of CDK. */
  readonly keyArns: string[]
  readonly #built: FunctionBuildResult

  /** @throws KmsBuildError the errors of the build, and OPTIONS_INVALID. */
  constructor(scope: Construct, id: string, props: KmsFunctionProps) {
    const {
      entry,
      handler = 'handler',
      runtime = Runtime.NODEJS_22_X,
      kms,
      esbuild,
      ...rest
    } = props
    const { outdir = cacheFolder(scope, id), ...options } = rest
    // `cdk deploy OtherStack` and `cdk destroy` build nothing of this stack.
    const isBuilt = Stack.of(scope).bundlingRequired
    if (rest.outdir === undefined) rmSync(outdir, { recursive: true, force: true })
    const built = isBuilt
      ? buildFunction({
          entry,
          outdir: resolve(outdir),
          runtime: lambdaRuntime(runtime),
          kms,
          esbuild,
          principal: ROLE,
        })
      : EMPTY
    refuseVariables(options.environment, built.secrets)
    super(scope, id, {
      ...options,
      runtime,
      handler: `${basename(entry, extname(entry))}.${handler}`,
      code: isBuilt ? Code.fromAsset(outdir) : Code.fromInline('// not built in this run of CDK'),
    })
    this.#built = built
    this.keyArns = built.keyPolicyParts.map(({ keyArn }) => keyArn)
    for (const warning of built.warnings) Annotations.of(this).addWarningV2('unplugin-kms', warning)
    for (const statement of built.statements)
      this.addToRolePolicy(PolicyStatement.fromJson(statement))
  }

  override addEnvironment(
    ...[name, value, options]: Parameters<LambdaFunction['addEnvironment']>
  ): this {
    // The constructor of the parent class calls this too.
    if (#built in this) refuseVariables({ [name]: value }, this.#built.secrets)
    return super.addEnvironment(name, value, options)
  }

  /**
   * Returns the statements that the policy of a key needs if it does not let IAM policies decide.
   *
   * @param keyArn one of `keyArns`. Default: the only one.
   * @throws KmsBuildError OPTIONS_INVALID if the function has several keys and none is chosen.
   */
  keyPolicyStatements(keyArn?: string): PolicyStatement[] {
    const parts = this.#built.keyPolicyParts
    if (keyArn === undefined && parts.length > 1)
      throw new KmsBuildError(
        'OPTIONS_INVALID',
        `the secrets of ${this.node.path} are decrypted by several keys. Pass the ARN of one: ${this.keyArns.join(', ')}.`,
      )
    const chosen = parts.filter((part) => keyArn === undefined || part.keyArn === keyArn)
    return chosen
      .flatMap(({ statements }) => statements)
      .map((statement) =>
        PolicyStatement.fromJson({ ...statement, Principal: { AWS: this.role!.roleArn } }),
      )
  }

  /** Adds these statements to the policy of a key that the app defines. */
  addToKeyPolicy(key: IKey, keyArn?: string): void {
    for (const statement of this.keyPolicyStatements(keyArn)) key.addToResourcePolicy(statement)
  }
}

/** The same in each run: source maps contain the path from here to the sources, and decide the asset. */
const cacheFolder = (scope: Construct, id: string): string =>
  join('node_modules/.cache/unplugin-kms', ...[...scope.node.path.split('/'), id].filter(Boolean))

function lambdaRuntime({ name }: Runtime): LambdaRuntime {
  if (Object.hasOwn(RUNTIMES, name)) return name as LambdaRuntime
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    `the runtime ${name} is not one of ${Object.keys(RUNTIMES).join(', ')}.`,
  )
}

/** @throws KmsBuildError OPTIONS_INVALID if a secret of the bundle is an environment variable too. */
function refuseVariables(environment: Record<string, string> | undefined, secrets: string[]): void {
  const name = Object.keys(environment ?? {}).find((variable) => secrets.includes(variable))
  if (name === undefined) return
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    `the function has an environment variable ${name}, and its bundle a secret of that name. Remove it from environment: anyone who may read the function's configuration sees it there.`,
  )
}
