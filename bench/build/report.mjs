import { cpus, loadavg, totalmem } from 'node:os'

export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** The median of ratios of runs that stood side by side: what slows the machine slows both. */
export const ratio = (values, bases) => median(values.map((value, run) => value / bases[run]))

/** A table of a Markdown file, its columns as wide as need be. */
export function table(head, rows) {
  const lines = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...lines.map((row) => row[column].length)))
  const line = (row) =>
    `| ${row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`
  return [line(lines[0]), rule, ...lines.slice(1).map(line)].join('\n')
}

/** What a benchmark ran on. */
export const machine = (runs) =>
  `${cpus().length} cores (${cpus()[0].model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}; load ${loadavg()
    .map((one) => one.toFixed(1))
    .join(' ')}; runs: ${runs}`
