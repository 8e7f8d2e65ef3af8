// The shim as it is published. Rolldown's command line would report to whoever runs the demo.
import { rolldown } from 'rolldown'
import config from '../packages/runtime/rolldown.config.mjs'

const { output, ...input } = config
const bundle = await rolldown(input)
await bundle.write(output)
await bundle.close()
