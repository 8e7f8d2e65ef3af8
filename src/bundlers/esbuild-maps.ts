import type { OutputFile } from 'esbuild'
import { scrub } from '../pipeline/leak-check/scrub.js'
import { bytesOf } from '../pipeline/leak-check/views.js'
import type { BuildSession } from '../pipeline/session.js'

const INLINE_MAP = 'sourceMappingURL=data:'

/** Redacts maps of modules that were not rewritten, because esbuild reads their sources from disk. */
export function scrubMaps(files: OutputFile[], sessions: BuildSession[]): void {
  if (!sessions.some(({ modules }) => modules.hasMarks)) return
  const isRedacted = (source: string) => sessions.some((session) => session.isRedacted(source))
  for (const file of files) {
    if (!file.path.endsWith('.map') && !bytesOf(file.contents).includes(INLINE_MAP)) continue
    const text = bytesOf(file.contents).toString()
    const scrubbed = scrub(text, file.path, isRedacted)
    if (scrubbed !== text) file.contents = Buffer.from(scrubbed)
  }
}
