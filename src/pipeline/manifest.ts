import { Buffer } from 'node:buffer'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { sortedContext, type DataKeyPair } from '../crypto/data-key-pair.js'
import { decodeToken, tokenSuite, type Token } from '../crypto/token.js'
import { byName, isCode, regionsOf, suiteFact, type SecretFacts } from '../embedded/facts.js'
import type { Manifest } from '../embedded/manifest-format.js'
import { findEmbedded } from '../embedded/find-embedded.js'
import type { Format } from '../secret/format.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { groupBy } from '../util/group-by.js'
import { replaceFile } from '../util/replace-file.js'
import { type Mark, nameOf } from './collect/mark.js'
import { unsearched, type Asset, type SearchOptions } from './leak-check/examine.js'
import type { Seen } from './leak-check/parts.js'
import { searcher } from './leak-check/search.js'
import type { SealedValue, Sealer } from './seal/sealer.js'

/** A secret that was sealed into a module. The outputs show at the end whether they contain it. */
interface SealedSecret {
  facts: Omit<SecretFacts, 'chunks'> & { name: string }
  /** The part of its ciphertext to search the outputs for. */
  trace: string
}

interface Occurrence {
  folder: string
  /** Relative to the folder. */
  chunk: string
  secret: SealedSecret
}

/**
 * Returns the beginning of a token: all up to its ciphertext, and 15 bytes of that. No two messages have
 * the same, and tokens may be large.
 */
const traceOf = (token: string, { ciphertext }: Token) =>
  token.slice(0, token.length - Math.floor((ciphertext.length * 4) / 3) + 20)

/**
 * @param pair the data key pair of a token.
 * @param lasting whether the pair is one of a secrets file, and not of this build only.
 */
function sealedSecret(
  name: string,
  format: Format,
  sealed: SealedValue,
  pair: DataKeyPair | undefined,
  lasting: boolean,
): SealedSecret {
  if ('wrapped' in sealed) {
    const blob = sealed.wrapped[0]!.ciphertextBlob
    const keys = sealed.wrapped.map(({ keyId }) => keyId)
    return {
      facts: {
        name,
        kind: format === 'bytes' ? 'bytes' : 'literal',
        format,
        mode: 'direct',
        fingerprint: null,
        keys,
        regions: regionsOf(keys),
        encryptionContext: sortedContext(sealed.encryptionContext),
        ciphertextSize: Buffer.from(blob, 'base64').length,
      },
      trace: blob,
    }
  }
  const token = decodeToken(sealed.token) as Token
  const { kind, ciphertext } = token
  const keys = pair!.wrapped.map(({ keyId }) => keyId)
  return {
    facts: {
      name,
      kind,
      format,
      mode: 'envelope',
      fingerprint: lasting ? sealed.fingerprint : null,
      ...suiteFact(tokenSuite(token)),
      keys,
      regions: regionsOf(keys),
      encryptionContext: sortedContext(pair!.encryptionContext),
      ciphertextSize: ciphertext.length,
    },
    trace: traceOf(sealed.token, token),
  }
}

/** Collects what the outputs of all builds of one plugin embed, and writes it to a file. */
export function createManifest(path: string) {
  const modules = new Map<string, SealedSecret[]>()
  const found = new Map<unknown, Occurrence[]>()
  return {
    /** Adds the sealed marks of a module. */
    async note(
      id: string,
      marks: Mark[],
      sealed: SealedValue[],
      secretsFile: SecretsFile | null,
      sealer: Pick<Sealer, 'pairOf'>,
    ) {
      const noted = marks.map(async (mark, index) => {
        const one = sealed[index]!
        const pair = 'token' in one ? await sealer.pairOf(one.fingerprint, secretsFile) : undefined
        const lasting = pair !== undefined && secretsFile?.pairs.get(pair.fingerprint) === pair
        return sealedSecret(nameOf(mark), mark.format, one, pair, lasting)
      })
      modules.set(id, await Promise.all(noted))
    },

    /**
     * Lists what the outputs embed.
     *
     * @param outputs their names are relative to the folder.
     * @param build identifies a build among those of one plugin; a rebuild replaces what it listed.
     */
    async add(folder: string, outputs: Asset[], build: unknown) {
      const listed: Occurrence[] = []
      found.set(build, listed)
      const distinct = [...groupBy([...modules.values()].flat(), keyOf).values()].map(
        ([one]) => one!,
      )
      const sharing = groupBy(distinct, ({ trace }) => trace)
      if (!sharing.size) return
      const search = searcher(
        [...sharing.keys()].map((trace) => ({
          bytes: Buffer.from(trace),
          name: trace,
          encoding: '',
        })),
      )
      for (const { name, content } of outputs) {
        if (!isCode(name)) continue
        const chunk = name.split(sep).join('/')
        const bytes = Buffer.from(content as Uint8Array)
        for (const { pattern } of search(bytes))
          for (const secret of await marksInOutput(sharing.get(pattern.name)!, bytes))
            listed.push({ folder, secret, chunk })
      }
    },

    /** Writes the manifest atomically, after the outputs, unless it is equal. */
    async write(seen: Seen[], options: SearchOptions) {
      const all = [...found.values()].flat()
      const text = `${JSON.stringify(manifestOf(all, seen, options), null, 2)}\n`
      if ((await readFile(path, 'utf8').catch(() => null)) === text) return
      await mkdir(dirname(path), { recursive: true })
      await replaceFile(path, text)
    },
  }
}

const keyOf = ({ trace, facts: { name, format } }: SealedSecret) =>
  JSON.stringify([trace, name, format])

/** Returns the marks in an output, if several share one ciphertext: an entry as text and as bytes. */
async function marksInOutput(sharing: SealedSecret[], bytes: Buffer): Promise<SealedSecret[]> {
  if (sharing.length === 1) return sharing
  const { items } = await findEmbedded([bytes])
  return sharing.filter(({ facts }) =>
    items.some((one) => 'name' in one && one.name === facts.name && one.format === facts.format),
  )
}

function manifestOf(found: Occurrence[], seen: Seen[], options: SearchOptions): Manifest {
  const base = commonFolder(found.map(({ folder }) => folder))
  const secrets = [...groupBy(found, ({ secret }) => keyOf(secret)).values()].map((all) => ({
    ...all[0]!.secret.facts,
    chunks: sorted(
      all.map(({ folder, chunk }) => relative(base, join(folder, chunk)).split(sep).join('/')),
    ),
  }))
  const { excepted, short } = unsearched(seen, options)
  return {
    version: 1,
    secrets: secrets.sort(byName),
    notSearchedFor: {
      excepted: sorted(excepted.map(({ name }) => name)),
      tooShort: sorted(short.map(({ name }) => name)),
    },
  }
}

const sorted = (names: string[]) => [...new Set(names)].sort()

function commonFolder([first = '', ...others]: string[]): string {
  let folder = first
  while (others.some((other) => relative(folder, other).startsWith('..'))) folder = dirname(folder)
  return folder
}
