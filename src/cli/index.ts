#!/usr/bin/env node
import { run } from './program.js'

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
