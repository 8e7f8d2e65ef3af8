import { readFile } from 'node:fs/promises'
import { sortedContext } from '../crypto/data-key-pair.js'
import type { SecretFacts } from '../embedded/facts.js'
import type { Manifest } from '../embedded/manifest-format.js'
import { KmsBuildError } from '../errors.js'
import { unreadable } from '../util/given-file.js'

/** A difference between a bundle and its manifest. */
export interface Difference {
  /** The secret's name or place. */
  name: string
  what: 'added' | 'missing' | 'changed'
  /** Of a changed secret: the fact, with its value in the manifest and in the bundle. */
  fact?: string
  manifest?: unknown
  bundle?: unknown
}

const FACTS = [
  'kind',
  'format',
  'mode',
  'fingerprint',
  'keys',
  'encryptionContext',
  'ciphertextSize',
  'chunks',
] as const

/** Reads a manifest, or a report of `inspect --html`. @throws KmsBuildError FILE_UNREADABLE, MANIFEST_INVALID. */
export async function readManifest(path: string): Promise<Manifest> {
  const text = await readFile(path, 'utf8').catch((error: unknown) =>
    unreadable(path, error, 'Give the file of the option manifest.'),
  )
  const manifest = parseManifest(text) as Partial<Manifest> | null
  if (
    manifest?.version === 1 &&
    Array.isArray(manifest.secrets) &&
    manifest.secrets.every(isSecret)
  )
    return manifest as Manifest
  throw new KmsBuildError(
    'MANIFEST_INVALID',
    `${path} is neither a manifest of version 1 nor a report of inspect --html. Give the file of the option manifest. If it was edited, build again.`,
  )
}

/** A report of `inspect --html` contains the same data in a script element. */
const REPORT_DATA = /<script type="application\/json" id="data">([^<]*)<\/script>/

function parseManifest(text: string): unknown {
  try {
    return JSON.parse(REPORT_DATA.exec(text)?.[1] ?? text)
  } catch {
    return null
  }
}

function isSecret(value: unknown): boolean {
  const secret = value as Partial<SecretFacts> | null
  return typeof secret?.name === 'string' && FACTS.every((fact) => Object.hasOwn(secret, fact))
}

/**
 * Compares the secrets in a bundle's chunks with its manifest. Ignores secrets that occur only in source
 * maps and other files: manifests do not list them.
 */
export function differences(secrets: SecretFacts[], { secrets: listed }: Manifest): Difference[] {
  const bundled = secrets.filter(({ chunks }) => chunks.length)
  const names = [...new Set([...listed, ...bundled].map(nameIn))].sort()
  return names.flatMap((name) => {
    const of = (all: SecretFacts[]) => all.filter((secret) => nameIn(secret) === name)
    const [inManifest, inBundle] = unequal(of(listed), of(bundled))
    return Array.from({ length: Math.max(inManifest.length, inBundle.length) }, (_, at) => {
      const [expected, actual] = [inManifest[at], inBundle[at]]
      if (!expected) return { name, what: 'added' as const }
      if (!actual) return { name, what: 'missing' as const }
      return changes(expected, actual).map((change) => ({
        name,
        what: 'changed' as const,
        ...change,
      }))
    }).flat()
  })
}

const nameIn = ({ name }: SecretFacts) => name ?? 'a secret without a name'

/** Removes secrets that are equal in both lists. Several secrets may have the same name. */
function unequal(listed: SecretFacts[], bundled: SecretFacts[]): [SecretFacts[], SecretFacts[]] {
  const left = [...bundled]
  const inManifest = listed.filter((expected) => {
    const at = left.findIndex((actual) => !changes(expected, actual).length)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return [inManifest, left]
}

function changes(expected: SecretFacts, actual: SecretFacts) {
  return FACTS.filter(
    // A pair that the build creates has a new fingerprint in each build.
    (fact) =>
      !(fact === 'fingerprint' && expected.fingerprint === null) &&
      canonical(expected[fact]) !== canonical(actual[fact]),
  ).map((fact) => ({ fact, manifest: expected[fact], bundle: actual[fact] }))
}

const canonical = (value: unknown) =>
  JSON.stringify(
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? sortedContext(value as Record<string, string>)
      : value,
  )
