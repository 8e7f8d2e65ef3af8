import { compareWays } from './compare.js'

await compareWays('bun')
