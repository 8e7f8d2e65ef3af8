// Preloaded: kills the process right before its Nth change to a file, N being KILL_AT; of a write,
// half has been done by then.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

let left = Number(process.env.KILL_AT)
const die = () => process.kill(process.pid, 'SIGKILL')
const step = (object, name) => {
  const original = object[name]
  object[name] = function (...args) {
    if (--left === 0) die()
    return original.apply(this, args)
  }
}
for (const name of ['mkdir', 'rmdir']) step(fs, name)
const { open } = fs.promises
for (const name of ['rename', 'rm', 'mkdir', 'open']) step(fs.promises, name)

const handle = await open(new URL(import.meta.url))
const prototype = Object.getPrototypeOf(handle)
await handle.close()
step(prototype, 'truncate')
for (const name of ['write', 'writeFile']) {
  const original = prototype[name]
  prototype[name] = async function (content, ...args) {
    if (--left === 0) {
      fs.writeSync(this.fd, Buffer.from(content).subarray(0, content.length / 2))
      die()
    }
    return original.call(this, content, ...args)
  }
}
syncBuiltinESMExports()
