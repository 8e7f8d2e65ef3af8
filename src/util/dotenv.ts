import { parse } from 'dotenv'
import { readGivenFile } from './given-file.js'

export interface DotenvFile {
  values: Map<string, string>
  /** Names without a value, which are left out. */
  empty: string[]
  /** Names of which the file says another value than one may think: doubled, or cut at a `#`. */
  warnings: string[]
}

const ASSIGNMENT = /^\s*(?:export\s+)?([\w.-]+)\s*=[^\S\n]*(.*)$/gm

/** Reads a dotenv file as the dotenv package does. @throws KmsBuildError FILE_UNREADABLE. */
export async function readDotenv(path: string): Promise<DotenvFile> {
  const text = (await readGivenFile(path)).toString()
  const parsed = Object.entries(parse(text))
  const assignments = [...text.matchAll(ASSIGNMENT)].map(([, name, value]) => ({
    name: name!,
    value: value!,
  }))
  return {
    values: new Map(parsed.filter(([, value]) => value !== '')),
    empty: parsed.flatMap(([name, value]) => (value === '' ? [name] : [])),
    warnings: parsed.flatMap(([name, value]) => {
      const own = assignments.filter((assignment) => assignment.name === name)
      if (own.length > 1)
        return [`${name} stands ${own.length} times in ${path}: the last one counts.`]
      return /^[^'"`\s#]+#/.test(own[0]?.value ?? '') && !value.includes('#')
        ? [
            `${name} in ${path} is cut at its "#", as dotenv does with a value that has no quotes. If the "#" belongs to it, quote it and import it again.`,
          ]
        : []
    }),
  }
}
