/** A string that is markup already. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Replaces characters that would steer the text around them, such as a change of direction. */
const visible = (text: string) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')

export const escapeHtml = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!)

type Value = string | number | Markup | Value[]

/** A tagged template whose values are escaped, unless they are markup. */
export const html = (strings: TemplateStringsArray, ...values: Value[]): Markup =>
  new Markup(
    strings.reduce((text, string, index) => text + render(values[index - 1] ?? '') + string),
  )

function render(value: Value): string {
  if (value instanceof Markup) return value.text
  return Array.isArray(value) ? value.map(render).join('') : escapeHtml(String(value))
}

export const NOTHING = new Markup('')
