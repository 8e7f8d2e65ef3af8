#!/usr/bin/env node
import module from 'node:module'

// Node 22.1 and later. Before all other code is loaded, which is why that is imported below.
;(module as { enableCompileCache?: () => void }).enableCompileCache?.()
const { run } = await import('./program.js')

// The reader of a pipe may close it: `list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
// Some terminals report a width of 0 (a serial line, a new pty): prompts would print nothing.
for (const stream of [process.stdout, process.stderr])
  if (stream.isTTY && !stream.columns) stream.columns = 80
process.exitCode = await run(process.argv.slice(2))
// A credential process or another child that never ends does not keep the command alive.
process.stdout.write('', () => setTimeout(() => process.exit(), 1000).unref())
