import { readFileSync } from 'node:fs'

/** Reads a text file, synchronously. Returns undefined if it is missing or cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
