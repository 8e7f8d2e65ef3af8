import { testAttempts } from './attempts.js'

await testAttempts('bun')
