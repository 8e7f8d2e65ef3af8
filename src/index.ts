export {
  bundleFunctions,
  type BundleOptions,
  type Bundled,
  type LambdaRuntime,
} from './bundle/bundle.js'
export { KmsBuildError, type BuildErrorCode, type Place } from './errors.js'
export type { Difference } from './inspect/against.js'
export { diagnose, type Diagnosis, type DoctorOptions } from './doctor/doctor.js'
export { inspect, type InspectOptions, type Inspection } from './inspect/inspect.js'
export type { Manifest } from './embedded/manifest-format.js'
export type { AwsOptions, Options } from './options/types.js'
export { buildPolicy, type BuildPolicyOptions } from './policy/build-policy.js'
export type { OpeningsOptions } from './policy/openings.js'
export { runtimePolicy } from './policy/runtime-policy.js'
export type { Statement } from './policy/statement.js'
export * from './secrets/index.js'
