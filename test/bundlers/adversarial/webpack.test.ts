import { testAttempts } from './attempts.js'

await testAttempts('webpack')
