import { afterAll, expect, vi } from 'vitest'

const state = () => ({ folder: process.cwd(), env: { ...process.env }, fetch: globalThis.fetch })
const before = state()

// Runs after the hooks of the test file.
afterAll(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  expect(state(), 'the process as the file found it').toEqual(before)
})
