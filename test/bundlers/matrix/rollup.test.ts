import { testCells } from './cells.js'

await testCells('rollup')
