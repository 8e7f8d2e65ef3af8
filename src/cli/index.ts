#!/usr/bin/env node
import { run } from './run.js'

// Whoever reads us may stop reading: `list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
// Which Node the SDK will want next year is for us to tell, not for each command's output.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
process.exitCode = await run(process.argv.slice(2))
// A credential process or another child that never ends does not keep the command alive.
process.stdout.write('', () => setTimeout(() => process.exit(), 1000).unref())
