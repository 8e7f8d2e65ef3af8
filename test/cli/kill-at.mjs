// Preloaded: right before its Nth change to a file, N being KILL_AT, the process is killed, or, with
// FAIL_WITH=ENOSPC say, that change fails so; of a write, half has been done by then.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { FAIL_WITH, KILL_AT, REACHED } = process.env
let left = Number(KILL_AT)
/** @returns the error that the change ends with, if it does. */
function due(half = () => {}) {
  if (--left !== 0) return null
  half()
  fs.writeFileSync(REACHED, '')
  if (FAIL_WITH) return Object.assign(new Error(FAIL_WITH), { code: FAIL_WITH })
  return process.kill(process.pid, 'SIGKILL')
}
for (const name of ['mkdir', 'rmdir']) {
  const original = fs[name]
  fs[name] = (...args) => {
    const error = due()
    return error ? args.at(-1)(error) : original(...args)
  }
}
function step(object, name, half = () => undefined) {
  const original = object[name]
  object[name] = async function (...args) {
    const error = due(half(this, ...args))
    if (error) throw error
    return original.apply(this, args)
  }
}
const { open } = fs.promises
for (const name of ['rename', 'rm', 'mkdir', 'open']) step(fs.promises, name)

const handle = await open(new URL(import.meta.url))
const prototype = Object.getPrototypeOf(handle)
await handle.close()
step(prototype, 'truncate')
for (const name of ['write', 'writeFile'])
  step(prototype, name, ({ fd }, content) => () => {
    fs.writeSync(fd, Buffer.from(content).subarray(0, content.length / 2))
  })
syncBuiltinESMExports()
