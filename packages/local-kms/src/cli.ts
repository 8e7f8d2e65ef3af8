#!/usr/bin/env node
import { runLocal } from './command/local.js'

process.exitCode = await runLocal(process.argv.slice(2))
