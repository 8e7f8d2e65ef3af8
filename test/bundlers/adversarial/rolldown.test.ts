import { testAttempts } from './attempts.js'

await testAttempts('rolldown')
