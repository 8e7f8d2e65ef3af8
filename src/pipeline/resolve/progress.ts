/** Where progress is shown: stderr, or a stand-in for it. */
export interface Terminal {
  isTTY?: boolean
  write(text: string): unknown
}

export interface Progress {
  /** A secret is fetched; `end` when it is, or failed. */
  begin(): void
  end(): void
  /** Runs a call of KMS. */
  whileKms<T>(call: () => Promise<T>): Promise<T>
}

const PATIENCE_MS = 1000
const CLEAR_LINE = '\r\u001B[K'

/**
 * Shows one line on a terminal while AWS takes longer than a second, and clears it afterwards. Writes
 * nothing in a pipe or CI.
 */
export function showProgress(
  terminal: Terminal = process.stderr,
  patienceMs = PATIENCE_MS,
  isCi = Boolean(process.env.CI),
): Progress {
  let total = 0
  let done = 0
  let kmsCalls = 0
  let timer: NodeJS.Timeout | undefined
  let shown = false
  const show = () => {
    shown = true
    const what = total ? `${done} of ${total} secrets fetched` : 'waiting for KMS'
    terminal.write(`${CLEAR_LINE}unplugin-kms: ${what}`)
    timer = setTimeout(show, patienceMs / 4).unref()
  }
  const start = () => {
    if (terminal.isTTY && !isCi) timer ??= setTimeout(show, patienceMs).unref()
  }
  const stop = () => {
    if (done < total || kmsCalls) return
    clearTimeout(timer)
    timer = undefined
    if (shown) terminal.write(CLEAR_LINE)
    shown = false
    total = done = 0
  }
  return {
    begin() {
      total++
      start()
    },
    end() {
      done++
      stop()
    },
    async whileKms(call) {
      kmsCalls++
      start()
      try {
        return await call()
      } finally {
        kmsCalls--
        stop()
      }
    },
  }
}
