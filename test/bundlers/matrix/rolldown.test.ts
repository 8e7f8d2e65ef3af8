import { testCells } from './cells.js'

await testCells('rolldown')
