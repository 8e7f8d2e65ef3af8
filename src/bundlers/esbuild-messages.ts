import type { PartialMessage, PluginBuild } from 'esbuild'

interface Messages {
  errors?: PartialMessage[]
  warnings?: PartialMessage[]
}

/**
 * Returns a function that prints the messages of an `onEnd`. esbuild's `build()` prints none of them,
 * so that a build whose error is caught would end without a reason; `context()` prints them itself.
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

/** Reports whether the plugin is set up by `context()`, which esbuild tells no plugin. */
function isCalledByContext(): boolean {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const { stack = '' } = new Error('setup')
  Error.stackTraceLimit = stackTraceLimit
  return /\bat (?:\w+\.)?context \(.*\besbuild\b/.test(stack)
}
