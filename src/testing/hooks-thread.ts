// The hooks of Node before 22.15, which run in a thread of their own.
export { resolve } from './resolve.js'
