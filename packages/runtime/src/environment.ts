/**
 * Returns the environment of the running process. It is not written as a member of `process`, which a
 * bundler's `define` or a replace plugin would turn into the environment of the build.
 */
export const environment = (): NodeJS.ProcessEnv => Reflect.get(process, 'env')
