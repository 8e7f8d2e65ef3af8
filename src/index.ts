export { KmsBuildError, type BuildErrorCode, type Place } from './errors.js'
export type { AwsOptions, Options } from './options.js'
