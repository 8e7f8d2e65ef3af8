import type { Fleet, FleetFunction, FleetSecret } from '../fleet/types.js'
import { htmlDocument } from './document.js'
import { filterTable } from './filter-table.js'
import { html, type Markup } from './html.js'

const HEADERS = ['Function', 'Version', 'Region', 'Last change', 'Secret', 'State', 'Replaced']

/** Returns a self-contained HTML report of deployed functions and the state of their secrets. */
export const fleetPage = (fleet: Fleet): Promise<string> =>
  htmlDocument({
    title: 'Secrets of deployed functions',
    script: 'report',
    body: html`<main>
      <h1>Secrets of deployed functions</h1>
      <dl class="facts">
        <div>
          <dt>Functions examined</dt>
          <dd>${fleet.examined}</dd>
        </div>
        <div>
          <dt>To deploy again</dt>
          <dd>${fleet.redeploy.length}</dd>
        </div>
      </dl>
      <section aria-labelledby="findings">
        <h2 id="findings">Findings</h2>
        ${findings(fleet)}
      </section>
      <section aria-labelledby="secrets">
        <h2 id="secrets">Secrets</h2>
        ${filterTable(
          HEADERS,
          fleet.functions.flatMap((one) => one.secrets.map((secret) => row(one, secret))),
        )}
      </section>
    </main>`,
  })

function findings({ functions, redeploy, notes }: Fleet): Markup {
  const lines = [
    ...redeploy.map((id) => html`Deploy ${id} again.`),
    ...functions.flatMap(({ id, unsupportedRuntime }) =>
      unsupportedRuntime
        ? html`${id} runs on ${unsupportedRuntime}, which cannot open its ML-KEM secrets: they need
          nodejs24.x.`
        : [],
    ),
    ...functions.flatMap(({ id, notRead }) =>
      notRead.map((reason) => html`${id} was not read completely: ${reason}.`),
    ),
    ...notes.map((text) => html`${text}`),
  ]
  return lines.length
    ? html`<ul class="findings">
        ${lines.map((line) => html`<li class="finding">${line}</li>`)}
      </ul>`
    : html`<p class="fine">Every function has the current values.</p>`
}

function row(
  { name, version, aliases, region = '', lastModified = '' }: FleetFunction,
  { name: secret, state, replacedAt = '' }: FleetSecret,
): Markup {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${[version, ...aliases].join(', ')}</td>
    <td>${region}</td>
    <td>${lastModified}</td>
    <td>${secret ?? '(no name)'}</td>
    <td class="${state === 'current' ? 'fine' : 'finding'}">${state}</td>
    <td>${replacedAt}</td>
  </tr>`
}
