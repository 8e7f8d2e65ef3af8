import type { PartialMessage, PluginBuild } from 'esbuild'

interface Messages {
  errors?: PartialMessage[]
  warnings?: PartialMessage[]
}

/**
 * Returns a function that prints the messages of an `onEnd`. esbuild's `build()` does not print them,
 * so a build whose error is caught would fail without a message. `context()` prints them.
 */
export function messagePrinter({ initialOptions, esbuild }: PluginBuild, pluginName: string) {
  const { logLevel = 'warning', logOverride = {}, color } = initialOptions
  const isPrinted = { error: logLevel !== 'silent', warning: !/^(?:silent|error)$/.test(logLevel) }
  const inContext = isCalledByContext()
  return async <M extends Messages | undefined>(messages: M): Promise<M> => {
    if (inContext) return messages
    for (const [kind, of = []] of [
      ['error', messages?.errors],
      ['warning', messages?.warnings],
    ] as const) {
      const wanted = of.filter(({ id = '' }) => isPrinted[kind] && logOverride[id] !== 'silent')
      const formatted = await esbuild.formatMessages(
        wanted.map((message) => ({ pluginName, ...message, detail: undefined })),
        {
          kind,
          color: color ?? (process.stderr.isTTY && !process.env.NO_COLOR),
          ...(process.stderr.columns && { terminalWidth: process.stderr.columns }),
        },
      )
      process.stderr.write(formatted.join(''))
    }
    return messages
  }
}

/** Returns whether `context()` sets the plugin up. esbuild's plugin API does not report it. */
function isCalledByContext(): boolean {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const { stack = '' } = new Error('setup')
  Error.stackTraceLimit = stackTraceLimit
  return /\bat (?:\w+\.)?context \(.*\besbuild\b/.test(stack)
}
