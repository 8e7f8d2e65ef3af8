#!/usr/bin/env node
import { run } from './run.js'

// Whoever reads us may stop reading: `list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
process.exitCode = await run(process.argv.slice(2))
