const DEFAULT_EXCLUDED = 'node_modules'

/** Returns a pattern for folders and files with any other name. */
const otherThan = (word: string): string =>
  word
    ? `(?:${word[0]}${otherThan(word.slice(1))}|[^${word[0]}\\\\/][^\\\\/]*)?`
    : String.raw`[^\\/]+`

const SCRIPT = String.raw`[^\\/]*\.[cm]?[jt]sx?$`

/**
 * Returns the filter of the files for which esbuild calls the plugin. Each call crosses from Go to
 * JavaScript, which takes longer than the work for most files. Go's regular expressions have no lookahead.
 *
 * @param everywhere whether to include node_modules, which contain most files of a bundle.
 */
export const filterOf = (everywhere: boolean): RegExp =>
  new RegExp(everywhere ? SCRIPT : String.raw`^(?:${otherThan(DEFAULT_EXCLUDED)}[\\/])*${SCRIPT}`)
