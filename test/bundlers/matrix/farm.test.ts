import { testCells } from './cells.js'

await testCells('farm')
