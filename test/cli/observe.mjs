// Preloaded: notes the arguments of the process, what each child that it starts is given, and all
// that it writes to files, a line of JSON each, in the file $OBSERVED.
import childProcess, { ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { OBSERVED } = process.env
delete process.env.OBSERVED
let noting = false
function note(...what) {
  // Appending is writing, and would be noted in its turn.
  if (noting) return
  noting = true
  const asText = (_, value) =>
    value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value
  fs.appendFileSync(OBSERVED, `${JSON.stringify(what, asText)}\n`)
  noting = false
}
note('process', process.argv, process.execArgv)

const before = (object, name, record) => {
  const original = object[name]
  object[name] = function (...args) {
    record(...args)
    return original.apply(this, args)
  }
}
before(ChildProcess.prototype, 'spawn', ({ args, envPairs }) => note('child', args, envPairs))
for (const name of ['spawnSync', 'execSync', 'execFileSync'])
  before(childProcess, name, (...args) => note('child', args, process.env))
const writes = ['write', 'writev', 'writeSync', 'writevSync', 'writeFile', 'writeFileSync']
for (const name of [...writes, 'appendFile', 'appendFileSync'])
  before(fs, name, (_, content) => note('write', content))
for (const name of ['writeFile', 'appendFile'])
  before(fs.promises, name, (_, content) => note('write', content))

const { open } = fs.promises
const handle = await open(new URL(import.meta.url))
const prototype = Object.getPrototypeOf(handle)
await handle.close()
for (const name of ['write', 'writev', 'writeFile', 'appendFile'])
  before(prototype, name, (content) => note('write', content))
syncBuiltinESMExports()
