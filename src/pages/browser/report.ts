import { byId, enableCopying } from './dom.js'

/** Highlights a box of the picture with everything left and right of it that it is joined to. */
function enableHighlighting() {
  const boxes = new Map(
    [...document.querySelectorAll<SVGGElement>('.box')].map((box) => [box.dataset.id ?? '', box]),
  )
  const edges = [...document.querySelectorAll<SVGPathElement>('.edge')]
  const reach = (start: string, from: 'from' | 'to', to: 'from' | 'to') => {
    const found = new Set([start])
    for (const id of found)
      for (const { dataset } of edges) if (dataset[from] === id) found.add(dataset[to] ?? '')
    return found
  }
  const clear = () => {
    document.querySelector('svg')?.classList.remove('has-choice')
    for (const element of document.querySelectorAll('.is-chosen'))
      element.classList.remove('is-chosen')
    for (const box of boxes.values()) box.setAttribute('aria-pressed', 'false')
  }
  const choose = (id: string) => {
    const box = boxes.get(id)
    const isChosen = box?.getAttribute('aria-pressed') === 'true'
    clear()
    if (!box || isChosen) return
    const right = reach(id, 'from', 'to')
    const left = reach(id, 'to', 'from')
    document.querySelector('svg')?.classList.add('has-choice')
    box.setAttribute('aria-pressed', 'true')
    for (const one of [...left, ...right]) boxes.get(one)?.classList.add('is-chosen')
    for (const edge of edges) {
      const { from = '', to = '' } = edge.dataset
      if ((left.has(from) && left.has(to)) || (right.has(from) && right.has(to)))
        edge.classList.add('is-chosen')
    }
  }
  for (const [id, box] of boxes) {
    box.addEventListener('click', () => choose(id))
    box.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter' || key === ' ') choose(id)
      if (key === 'Escape') clear()
    })
  }
}

function enableTable() {
  const table = document.querySelector<HTMLTableElement>('#table')
  if (!table) return
  const body = table.tBodies[0]!
  const rows = [...body.rows].map((row) => ({ row, text: row.textContent.toLowerCase() }))
  const filter = byId<HTMLInputElement>('filter')
  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean)
    let count = 0
    for (const { row, text } of rows) {
      row.hidden = !words.every((word) => text.includes(word))
      if (!row.hidden) count++
    }
    byId('shown').textContent = `${count} of ${rows.length} secrets`
  }
  filter.addEventListener('input', show)
  show()
  const headers = [...(table.tHead?.rows[0]?.cells ?? [])]
  headers.forEach((header, column) =>
    header.querySelector('button')?.addEventListener('click', () => {
      const isAscending = header.getAttribute('aria-sort') !== 'ascending'
      for (const other of headers) other.setAttribute('aria-sort', 'none')
      header.setAttribute('aria-sort', isAscending ? 'ascending' : 'descending')
      const collator = new Intl.Collator(undefined, { numeric: true })
      const textOf = (row: HTMLTableRowElement) => row.cells[column]?.textContent ?? ''
      rows.sort((one, other) => collator.compare(textOf(one.row), textOf(other.row)))
      if (!isAscending) rows.reverse()
      body.append(...rows.map(({ row }) => row))
    }),
  )
}

/** Paper cannot be unfolded. */
function unfoldForPrint() {
  addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details')) details.open = true
  })
}

enableHighlighting()
enableTable()
unfoldForPrint()
enableCopying((message) => {
  byId('status').textContent = message
})
