import type { BundleResult, BundleOptions } from '../bundle/bundle.js'
import type { Diagnosis, DoctorOptions } from '../doctor/doctor.js'
import type { Inspection, InspectOptions } from '../inspect/inspect.js'
import type { BuildPolicyOptions } from '../policy/build-policy.js'
import type { DecryptRequestsOptions } from '../policy/decrypt-requests.js'
import type { Statement } from '../policy/statement.js'

/**
 * Bundles Lambda functions with esbuild, for tools without plugins: one ES module per entry, for
 * Node, with every package in it and a redacted source map.
 *
 * @returns the files that were written, their sizes in bytes, and warnings.
 * @throws {@link KmsBuildError} `ESBUILD_MISSING`, `BUNDLE_FAILED`, and the errors of the plugin.
 *   Nothing is written then.
 * @example
 * ```ts
 * await bundleFunctions({ entries: ['src/handler.ts'], outdir: 'dist' })
 * ```
 */
export async function bundleFunctions(options: BundleOptions): Promise<BundleResult> {
  return (await import('../bundle/bundle.js')).bundleFunctions(options)
}

/**
 * Reports what built bundles, source maps, folders and zip files contain. Needs neither AWS nor the
 * project, and decrypts nothing.
 *
 * @param paths files, folders and zip files.
 * @returns secrets, data key pairs, and differences from a secrets file or manifest.
 * @throws {@link KmsBuildError} `FILE_UNREADABLE`, `SECRETS_FILE_MISSING`, `SECRETS_FILE_INVALID`,
 *   `MANIFEST_INVALID`.
 * @example
 * ```ts
 * const { secrets } = await inspect('dist')
 * ```
 */
export async function inspect(
  paths: string | string[],
  options?: InspectOptions,
): Promise<Inspection> {
  return (await import('../inspect/inspect.js')).inspect(paths, options)
}

/**
 * Diagnoses why secrets cannot be decrypted. Changes nothing.
 *
 * @param options a secrets file or bundle, and the function or role that decrypts.
 * @returns the checks, findings first.
 * @throws {@link KmsBuildError} `OPTIONS_INVALID`, `SECRETS_FILE_MISSING`, `FILE_UNREADABLE`.
 */
export async function diagnose(options?: DoctorOptions): Promise<Diagnosis> {
  return (await import('../doctor/doctor.js')).diagnose(options)
}

/**
 * Returns the least-privilege policy statements of a build.
 *
 * @param options the source files whose marks the build resolves.
 * @throws {@link KmsBuildError} `FILE_UNREADABLE`, `SECRETS_FILE_INVALID`, `OPTIONS_INVALID`.
 */
export async function buildPolicy(options: BuildPolicyOptions): Promise<Statement[]> {
  return (await import('../policy/build-policy.js')).buildPolicy(options)
}

/**
 * Returns the least-privilege policy statements of a function: kms:Decrypt on the keys and encryption
 * contexts of its bundle or secrets file.
 *
 * @throws {@link KmsBuildError} `FILE_UNREADABLE`, `SECRETS_FILE_MISSING`, `SECRETS_FILE_INVALID`.
 */
export async function runtimePolicy(options?: DecryptRequestsOptions): Promise<Statement[]> {
  return (await import('../policy/runtime-policy.js')).runtimePolicy(options)
}
