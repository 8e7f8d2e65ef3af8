import { testCells } from './cells.js'

await testCells('rspack')
