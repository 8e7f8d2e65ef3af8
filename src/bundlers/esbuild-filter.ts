const DEFAULT_EXCLUDED = 'node_modules'

/** A folder or file of any other name than this. */
const otherThan = (word: string): string =>
  word
    ? `(?:${word[0]}${otherThan(word.slice(1))}|[^${word[0]}\\\\/][^\\\\/]*)?`
    : String.raw`[^\\/]+`

const SCRIPT = String.raw`[^\\/]*\.[cm]?[jt]sx?$`

/**
 * The files that esbuild asks about. Each question crosses from Go to JavaScript, which takes longer than
 * all that is done there about most files; and Go's regular expressions have no lookahead.
 *
 * @param everywhere or outside node_modules, where most files of a bundle are.
 */
export const filterOf = (everywhere: boolean): RegExp =>
  new RegExp(everywhere ? SCRIPT : String.raw`^(?:${otherThan(DEFAULT_EXCLUDED)}[\\/])*${SCRIPT}`)
