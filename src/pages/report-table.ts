import type { OutputGraph } from '../inspect/imports.js'
import type { Inspection } from '../inspect/inspect.js'
import { filterTable } from './filter-table.js'
import { html, NOTHING, type Markup } from './html.js'
import { entriesOf } from './picture.js'

type Secret = Inspection['secrets'][number]

const HEADERS = [
  'Name',
  'State',
  'Scope',
  'Encryption context',
  'Bytes',
  'Mode',
  'Pair',
  'KMS keys',
  'Entries',
  'Chunks',
]

/** Only a secrets file says which scope a pair belongs to. */
const headersOf = ({ secretsFile }: Inspection) =>
  HEADERS.filter((name) => name !== 'Scope' || secretsFile)

/** Returns the table of secrets, which the page's script filters and sorts. */
export function secretsTable(inspection: Inspection, graph: OutputGraph): Markup {
  const { secrets } = inspection
  return html`<section aria-labelledby="secrets">
    <h2 id="secrets">Secrets</h2>
    ${filterTable(
      headersOf(inspection),
      secrets.map((secret) => row(secret, inspection, graph)),
    )}
  </section>`
}

function row(secret: Secret, inspection: Inspection, graph: OutputGraph): Markup {
  const { secretsFile } = inspection
  const context = Object.entries(secret.encryptionContext).map(([key, value]) => `${key}=${value}`)
  const state = stateOf(secret, inspection)
  const chunks = secret.chunks.length ? secret.chunks : secret.elsewhere
  const entries = [
    ...new Set(secret.chunks.flatMap((chunk) => entriesOf(chunk, graph.importersOf))),
  ]
  return html`<tr>
    <th scope="row">${secret.name ?? '(no name)'}</th>
    <td class="${state === 'current' ? 'fine' : state === 'sealed' ? '' : 'finding'}">${state}</td>
    ${secretsFile ? html`<td>${secretsFile.scopes[secret.fingerprint ?? ''] ?? ''}</td>` : NOTHING}
    <td>${context.join(' ')}</td>
    <td class="number">${secret.ciphertextSize}</td>
    <td>${secret.mode}</td>
    <td>
      <code>${secret.fingerprint ?? ''}</code>
      ${secret.suite ? html`<div>${secret.suite}</div>` : NOTHING}
    </td>
    <td>${secret.keys.map((key) => html`<div class="key">${key}</div>`)}</td>
    <td>${lines(entries)}</td>
    <td>${lines(chunks)}</td>
  </tr>`
}

const lines = (texts: string[]) => texts.map((text) => html`<div>${text}</div>`)

function stateOf({ name }: Secret, { secretsFile }: Inspection): string {
  if (!secretsFile || name === null) return 'sealed'
  if (secretsFile.foreign.includes(name)) return 'foreign'
  if (secretsFile.missing.includes(name)) return 'missing'
  return secretsFile.stale.includes(name) ? 'stale' : 'current'
}
