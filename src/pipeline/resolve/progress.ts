import { ProgressLine, type ProgressLineOptions } from '../../util/progress-line.js'

export interface Progress {
  /** Called when a fetch of a secret starts, and `end` when it is done or failed. */
  begin(): void
  end(): void
  /** Runs a call of KMS. */
  whileKms<T>(call: () => Promise<T>): Promise<T>
}

/** Shows on a terminal what a build is waiting for. */
export function showProgress(options?: ProgressLineOptions): Progress {
  let total = 0
  let done = 0
  let kmsCalls = 0
  const line = new ProgressLine(
    () => `unplugin-kms: ${total ? `${done} of ${total} secrets fetched` : 'waiting for KMS'}`,
    options,
  )
  const stop = () => {
    if (done < total || kmsCalls) return
    line.stop()
    total = done = 0
  }
  return {
    begin() {
      total++
      line.start()
    },
    end() {
      done++
      stop()
    },
    async whileKms(call) {
      kmsCalls++
      line.start()
      try {
        return await call()
      } finally {
        kmsCalls--
        stop()
      }
    },
  }
}
