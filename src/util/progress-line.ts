/** Where progress is shown: stderr, or a stand-in for it. */
export interface Terminal {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

export interface ProgressLineOptions {
  terminal?: Terminal
  patienceMs?: number
  isCi?: boolean
}

const PATIENCE_MS = 1000
const CLEAR_LINE = '\r\u001B[K'

let questions = 0

/** Runs something that asks a person on the terminal. No progress is written meanwhile. */
export async function whileAsking<T>(ask: () => Promise<T>): Promise<T> {
  questions++
  try {
    return await ask()
  } finally {
    questions--
  }
}

/**
 * One line on a terminal, shown while work takes longer than a second, and cleared afterwards. Writes
 * nothing in a pipe or CI.
 */
export class ProgressLine {
  readonly #text: () => string
  readonly #given: Terminal | undefined
  readonly #patienceMs: number
  readonly #isCi: boolean
  #timer: NodeJS.Timeout | undefined
  #isShown = false

  /** @param text called each time that the line is written. */
  constructor(text: () => string, options: ProgressLineOptions = {}) {
    this.#text = text
    this.#given = options.terminal
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS
    this.#isCi = options.isCi ?? Boolean(process.env.CI)
  }

  /** Node creates stderr when it is first read, which takes 5 ms. Most builds show no progress. */
  get #terminal(): Terminal {
    return this.#given ?? process.stderr
  }

  start(): void {
    if (!this.#isCi && this.#terminal.isTTY)
      this.#timer ??= setTimeout(() => this.#show(), this.#patienceMs).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isShown) this.#terminal.write(CLEAR_LINE)
    this.#isShown = false
  }

  #show(): void {
    this.#timer = setTimeout(() => this.#show(), this.#patienceMs / 4).unref()
    if (questions) return
    this.#isShown = true
    const { columns } = this.#terminal
    // A line that wraps could not be cleared.
    const text = columns ? this.#text().slice(0, columns - 1) : this.#text()
    this.#terminal.write(CLEAR_LINE + text)
  }
}
