import { compareWays } from './compare.js'

await compareWays('webpack')
