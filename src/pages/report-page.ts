import { parseKeyArn } from '../aws/key-arn.js'
import type { Manifest } from '../embedded/manifest-format.js'
import type { Difference } from '../inspect/against.js'
import type { OutputGraph } from '../inspect/imports.js'
import type { Inspection } from '../inspect/inspect.js'
import { documentOf, type Statement } from '../policy/statement.js'
import { htmlDocument } from './document.js'
import { escapeHtml, html, Markup, NOTHING } from './html.js'
import { secretsTable } from './report-table.js'
import { BOX, COLUMNS, GAP, pictureOf, type Node, type Picture } from './picture.js'

/** What the report shows. */
export interface Report {
  paths: string[]
  inspection: Inspection
  /** The policy of the function that runs the bundle. */
  statements: Statement[]
  graph: OutputGraph
}

/** Returns a self-contained HTML report of what built files contain. */
export const reportPage = (report: Report): Promise<string> =>
  htmlDocument({
    title: `Secrets in ${report.paths.join(', ')}`,
    script: 'report',
    data: manifestOf(report.inspection),
    body: html`<main>
      <h1>Secrets in ${report.paths.join(', ')}</h1>
      ${summary(report)} ${findings(report.inspection)} ${picture(report)}
      ${secretsTable(report.inspection, report.graph)} ${policy(report.statements)}
    </main>`,
  })

/** Returns the data by which a later report shows what changed. */
const manifestOf = ({ secrets }: Inspection): Manifest => ({
  version: 1,
  secrets: secrets.flatMap(({ name, ...facts }) => (name === null ? [] : [{ ...facts, name }])),
  notSearchedFor: { excepted: [], tooShort: [] },
})

function summary({ inspection: { files, secrets, dataKeyPairs } }: Report): Markup {
  const keys = new Set(secrets.flatMap((secret) => secret.keys))
  const fact = (label: string, value: number) =>
    html`<div>
      <dt>${label}</dt>
      <dd>${value}</dd>
    </div>`
  return html`<dl class="facts">
    ${[
      fact('Files read', files),
      fact('Secrets', secrets.length),
      fact('Data key pairs', dataKeyPairs.length),
      fact('KMS keys', keys.size),
      fact(
        'Bytes of ciphertext',
        secrets.reduce((sum, one) => sum + one.ciphertextSize, 0),
      ),
    ]}
  </dl>`
}

function findings({ broken, notFollowed, duplicates, secretsFile, against }: Inspection): Markup {
  const lines = [
    ...broken.map(({ file, reason }) => html`${file} contains a malformed token: ${reason}.`),
    ...(secretsFile?.foreign ?? []).map(
      (name) => html`${name} is sealed to a pair that ${secretsFile!.path} does not have.`,
    ),
    ...(secretsFile?.stale ?? []).map(
      (name) => html`${name} is stale: ${secretsFile!.path} has a newer value or pair.`,
    ),
    ...(secretsFile?.missing ?? []).map(
      (name) => html`${name} is not in ${secretsFile!.path} any more.`,
    ),
    ...(against?.differences ?? []).map(differenceText),
    ...notFollowed.map((path) => html`${path} is a link out of the folder, and was not read.`),
  ]
  const notes = duplicates.map(
    ({ name, chunks }) => html`<li>${name} is in ${chunks.length} chunks.</li>`,
  )
  return html`<section aria-labelledby="findings">
    <h2 id="findings">Findings</h2>
    ${
      lines.length
        ? html`<ul class="findings">
            ${lines.map((line) => html`<li class="finding">${line}</li>`)}
          </ul>`
        : html`<p class="fine">No findings.</p>`
    }${
      notes.length
        ? html`<details>
            <summary>
              ${notes.length === 1 ? '1 secret is' : `${notes.length} secrets are`} in several
              chunks
            </summary>
            <ul>
              ${notes}
            </ul>
          </details>`
        : NOTHING
    }
  </section>`
}

function differenceText({ name, what, fact, manifest, bundle }: Difference): Markup {
  if (what === 'added') return html`${name} was added since the manifest.`
  if (what === 'missing') return html`${name} is in the manifest, but not in the bundle.`
  return html`${name} changed: ${fact ?? ''} was ${valueText(manifest)} and is ${valueText(bundle)}.`
}

const valueText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

function picture({ inspection, graph }: Report): Markup {
  if (!inspection.secrets.length) return NOTHING
  const drawn = pictureOf(inspection, graph)
  const { nodes, edges, width, height } = drawn
  return html`<section aria-labelledby="picture">
    <h2 id="picture">Picture</h2>
    <p class="help">
      Choose a box to highlight what it depends on. The table below contains the same facts.
    </p>
    <div
      class="scrolls"
      tabindex="0"
      role="region"
      aria-label="Picture of entries, chunks, secrets, pairs and keys"
    >
      <svg
        viewBox="0 0 ${width} ${height}"
        width="${width}"
        height="${height}"
        role="group"
        aria-labelledby="picture"
      >
        ${COLUMNS.map((name, column) => html`<text class="column" x="${column * (BOX.width + GAP)}" y="18">${name}</text>`)}
        ${edges.map(([from, to]) => edge(drawn, from, to))} ${nodes.map(box)}
      </svg>
    </div>
  </section>`
}

function edge({ nodes }: Picture, from: number, to: number): Markup {
  const [left, right] = [nodes[from]!, nodes[to]!]
  const [x1, y1] = [left.x + BOX.width, left.y + BOX.height / 2]
  const [x2, y2] = [right.x, right.y + BOX.height / 2]
  const middle = (x1 + x2) / 2
  return html`<path
    class="edge"
    data-from="${from}"
    data-to="${to}"
    d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}"
  />`
}

function box({ id, column, names, detail, x, y }: Node): Markup {
  const kind = COLUMNS[column]!
  const [full = '', ...others] = names
  const first = parseKeyArn(full)?.keyId ?? full
  const label = others.length ? `${first} and ${others.length} more` : first
  const [shown, shownDetail] = [shorten(label), shorten(detail, 28)]
  const complete = [label.replace(first, () => full), detail].filter(Boolean).join(', ')
  const visible = [shown, shownDetail].filter(Boolean).join(', ')
  // It begins with what is visible, as a person who speaks to the browser says it.
  const name = `${visible}, ${kind}${visible === complete ? '' : ` ${complete}`}`
  return html`<g
    class="box"
    data-id="${id}"
    tabindex="0"
    role="button"
    aria-pressed="false"
    aria-label="${name}"
    ><title>${[...names.slice(0, 40), detail].filter(Boolean).join(', ')}</title
    ><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="6" /><text
      x="${x + 10}"
      y="${y + 19}"
      >${shown}</text
    >
    <text class="detail" x="${x + 10}" y="${y + 36}">${shownDetail}</text></g
  >`
}

/** Shortens a label in the middle, where key ARNs and paths say least. */
function shorten(text: string, most = 24): string {
  const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment)
  if (characters.length <= most) return text
  return `${characters.slice(0, most - 15).join('')}…${characters.slice(-14).join('')}`
}

/** Escapes each line by itself: line breaks would be replaced. */
const lines = (text: string) => new Markup(text.split('\n').map(escapeHtml).join('\n'))

function policy(statements: Statement[]): Markup {
  if (!statements.length) return NOTHING
  return html`<section aria-labelledby="policy">
    <h2 id="policy">Policy of the function</h2>
    <p>The role needs these statements, and the key policy of each key must allow the role.</p>
    <pre id="statements" tabindex="0" aria-label="Policy as JSON">
${lines(JSON.stringify(documentOf(statements), null, 2))}</pre>
    <p>
      <button type="button" data-copies="statements">Copy the policy</button>
      <span id="status" role="status" class="help"></span>
    </p>
  </section>`
}
