import { testCells } from './cells.js'

await testCells('vite')
