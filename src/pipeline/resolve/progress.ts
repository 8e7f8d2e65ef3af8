/** Where progress is shown: stderr, or a stand-in for it. */
export interface Terminal {
  isTTY?: boolean
  write(text: string): unknown
}

export interface Progress {
  begin(): void
  end(): void
}

const PATIENCE_MS = 1000
const CLEAR_LINE = '\r\u001B[K'

/** Shows one line on a terminal while fetches take longer than a second, and clears it after them. */
export function showProgress(
  terminal: Terminal = process.stderr,
  patienceMs = PATIENCE_MS,
): Progress {
  let total = 0
  let done = 0
  let timer: NodeJS.Timeout | undefined
  let shown = false
  const show = () => {
    shown = true
    terminal.write(`${CLEAR_LINE}unplugin-kms: ${done} of ${total} secrets fetched`)
    timer = setTimeout(show, patienceMs / 4).unref()
  }
  return {
    begin() {
      total++
      if (terminal.isTTY) timer ??= setTimeout(show, patienceMs).unref()
    },
    end() {
      if (++done < total) return
      clearTimeout(timer)
      timer = undefined
      if (shown) terminal.write(CLEAR_LINE)
      shown = false
      total = done = 0
    },
  }
}
