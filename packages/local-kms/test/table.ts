export interface Cell {
  operation: string
  column: string
  answer: string
}

/** Parses a table of operations and cases. A cell of `-` is omitted. */
export function readTable(text: string): { operations: string[]; cells: Cell[] } {
  const [header = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const columns = header.slice(1)
  const cells = rows.flatMap(([operation = '', ...answers]) =>
    columns.flatMap((column, i) =>
      answers[i] === '-' ? [] : [{ operation, column, answer: answers[i] as string }],
    ),
  )
  return { operations: rows.map(([operation = '']) => operation), cells }
}
