import { parseKeyArn } from '../aws/key-arn.js'
import type { OutputGraph } from '../inspect/imports.js'
import type { Inspection } from '../inspect/inspect.js'
import { groupBy } from '../util/group-by.js'

/** The columns of the picture, from left to right. */
export const COLUMNS = ['Entry', 'Chunk', 'Secret', 'Data key pair', 'KMS key'] as const

/** A box of the picture. It stands for several things if they have the same neighbours. */
export interface Node {
  id: number
  column: number
  names: string[]
  /** Size, scope or region. */
  detail: string
  x: number
  y: number
}

export interface Picture {
  nodes: Node[]
  /** Pairs of node ids, from left to right. */
  edges: [number, number][]
  width: number
  height: number
}

type Secret = Inspection['secrets'][number]

export const BOX = { width: 210, height: 46 }
/** Between two columns. */
export const GAP = 70
const ROW_GAP = 10
const TOP = 40
/** With more rows, a box stands for all secrets of the same entries. */
const MOST_ROWS = 40

/**
 * Lays out entry → chunk → secret → data key pair → KMS key. Secrets of the same chunks and pair
 * share a box, and so do chunks of the same entries and secrets. Hundreds are grouped by entry.
 */
export function pictureOf(
  { secrets, secretsFile }: Pick<Inspection, 'secrets' | 'secretsFile'>,
  { importersOf, sizeOf }: OutputGraph,
): Picture {
  const boxes = groupsOf(secrets, importersOf).map((members) => ({
    members,
    names: members.map(({ name }) => name ?? '(no name)'),
    chunks: [...new Set(members.flatMap(({ chunks }) => chunks))],
  }))
  const drawing = new PictureLayout()
  const sizeText = (names: string[]) => bytesText(sumOf(names.map(sizeOf)))
  for (const { members, names, chunks } of boxes) {
    const { keys } = members[0]!
    const pair = pairOf(members[0]!)
    const sealed = sumOf(members.map(({ ciphertextSize }) => ciphertextSize))
    const secret = drawing.add(2, names.join('\0'), names, `${bytesText(sealed)} sealed`)
    for (const chunk of chunksLike(chunks, boxes, importersOf)) {
      const node = drawing.add(1, chunk.join('\0'), chunk, sizeText(chunk))
      drawing.join(node, secret)
      for (const entry of entriesOf(chunk[0]!, importersOf))
        drawing.join(drawing.add(0, entry, [entry], sizeText([entry])), node)
    }
    const pairNode = drawing.add(3, pair, [pair], scopeText(members[0]!, secretsFile?.scopes))
    drawing.join(secret, pairNode)
    for (const key of keys) drawing.join(pairNode, drawing.add(4, key, [key], placeOf(key)))
  }
  return drawing.picture()
}

/** Returns a size for people. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB']
  let unit = 0
  let value = bytes
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

const sumOf = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0)

/** Returns the scope of a secret and what the policy of its readers names: the encryption context. */
function scopeText({ fingerprint, encryptionContext }: Secret, scopes?: Record<string, string>) {
  const scope = scopes?.[fingerprint ?? '']
  const context = Object.entries(encryptionContext).map(([key, value]) => `${key}=${value}`)
  return [...(scope === undefined ? [] : [`scope ${scope}`]), ...context].join(', ') || 'no context'
}

function placeOf(key: string): string {
  const arn = parseKeyArn(key)
  return arn ? `${arn.region}, ${arn.account}` : ''
}

const pairOf = ({ mode, fingerprint, keys }: Secret) =>
  mode === 'direct'
    ? 'its own CiphertextBlob'
    : (fingerprint ?? (keys.length ? 'of this build' : 'unknown'))

/** Groups secrets of the same chunks and pair; of many groups, those of the same entries. */
function groupsOf(secrets: Secret[], importersOf: (chunk: string) => string[]): Secret[][] {
  const fine = groupBy(secrets, (secret) => JSON.stringify([secret.chunks, pairOf(secret)]))
  if (fine.size <= MOST_ROWS) return [...fine.values()]
  const entriesOfChunk = new Map<string, string[]>()
  const entries = (chunk: string) => {
    const known = entriesOfChunk.get(chunk) ?? entriesOf(chunk, importersOf)
    entriesOfChunk.set(chunk, known)
    return known
  }
  const keyOf = (secret: Secret) =>
    JSON.stringify([[...new Set(secret.chunks.flatMap(entries))].sort(), pairOf(secret)])
  return [...groupBy(secrets, keyOf).values()]
}

/** Groups chunks that contain the same boxes and belong to the same entries. */
function chunksLike(
  chunks: string[],
  boxes: { chunks: string[] }[],
  importersOf: (chunk: string) => string[],
): string[][] {
  const keyOf = (chunk: string) =>
    JSON.stringify([
      boxes.flatMap((box, index) => (box.chunks.includes(chunk) ? [index] : [])),
      entriesOf(chunk, importersOf),
    ])
  return [...groupBy(chunks, keyOf).values()]
}

/** Returns the entries that load a chunk: the outputs at the start of its import chains. */
export function entriesOf(chunk: string, importersOf: (chunk: string) => string[]): string[] {
  const seen = new Set([chunk])
  const entries: string[] = []
  for (const output of seen) {
    const importers = importersOf(output)
    if (!importers.length) entries.push(output)
    for (const importer of importers) seen.add(importer)
  }
  return entries.sort()
}

/** Boxes and lines, placed column by column in the order in which they are added. */
class PictureLayout {
  readonly #nodes = new Map<string, Node>()
  readonly #edges = new Map<string, [number, number]>()

  add(column: number, key: string, names: string[], detail: string): Node {
    const id = `${column} ${key}`
    let node = this.#nodes.get(id)
    if (!node) {
      const x = column * (BOX.width + GAP)
      node = { id: this.#nodes.size, column, names, detail, x, y: 0 }
      this.#nodes.set(id, node)
    }
    return node
  }

  join(from: Node, to: Node): void {
    this.#edges.set(`${from.id} ${to.id}`, [from.id, to.id])
  }

  picture(): Picture {
    const nodes = [...this.#nodes.values()]
    const edges = [...this.#edges.values()]
    const columns = COLUMNS.map((_, column) => nodes.filter((node) => node.column === column))
    const rows = Math.max(...columns.map(({ length }) => length))
    const height = TOP + rows * (BOX.height + ROW_GAP)
    for (const column of columns) {
      const step = (height - TOP) / Math.max(1, column.length)
      column.forEach((node, index) => (node.y = TOP + step * index + (step - BOX.height) / 2))
    }
    const width = COLUMNS.length * BOX.width + (COLUMNS.length - 1) * GAP
    return { nodes, edges, width, height }
  }
}
