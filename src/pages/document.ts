import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { escapeHtml, type Markup } from './html.js'

/** The folder of the bundled scripts and the style. */
export const BROWSER = fileURLToPath(new URL('../../dist/pages/browser/', import.meta.url))

export interface Page {
  title: string
  /** Name of the script in `browser/`. */
  script: 'report' | 'seal' | 'seal-ml-kem'
  body: Markup
  /** Data for the script, as JSON. */
  data?: object
}

/**
 * Returns a self-contained HTML document. Its Content-Security-Policy allows its own script and
 * style, by their hashes, and no request of any kind.
 */
export async function htmlDocument({ title, script, body, data }: Page): Promise<string> {
  const [code, style] = await Promise.all([asset(`${script}.js`), asset('page.css')])
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(code)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${body.text}
${data ? `<script type="application/json" id="data">${inScript(data)}</script>` : ''}
<script>${code}</script>
</body>
</html>
`
}

const asset = async (name: string) => (await readFile(BROWSER + name, 'utf8')).trim()

const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`

/** Returns JSON that cannot end the script element that contains it, nor turn the text around it. */
const inScript = (data: object) =>
  JSON.stringify(data).replace(/[<\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (text) =>
    Array.from(
      { length: text.length },
      (_, index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
