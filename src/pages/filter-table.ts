import { html, type Markup } from './html.js'

/** Returns a table that the page's script filters and sorts. */
export const filterTable = (headers: string[], rows: Markup[]): Markup =>
  html`<p>
      <label for="filter">Filter</label
      ><input id="filter" type="search" autocomplete="off" spellcheck="false" />
    </p>
    <p id="shown" role="status" class="help"></p>
    <div class="scrolls" tabindex="0" role="region" aria-label="Table of secrets">
      <table id="table">
        <thead>
          <tr>
            ${headers.map(
              (name) =>
                html`<th scope="col" aria-sort="none"><button type="button">${name}</button></th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`
