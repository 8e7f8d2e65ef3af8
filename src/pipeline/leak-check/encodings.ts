import { Buffer } from 'node:buffer'

/**
 * The ways in which tools are known to write a value into an output. Escapes of JavaScript and JSON
 * are not among them: the search reads those by decoding the output.
 *
 * @returns byte sequences with the name of their encoding; equal ones once.
 */
export function encodings(plaintext: Uint8Array): { encoding: string; bytes: Uint8Array }[] {
  const raw = Buffer.from(plaintext)
  const found = new Map<string, { encoding: string; bytes: Uint8Array }>()
  const add = (encoding: string, bytes: Buffer) => {
    const key = bytes.toString('latin1')
    if (!found.has(key)) found.set(key, { encoding, bytes })
  }
  add('as it is', raw)
  // Inside a longer base64 text the value may begin at any of three offsets; what of its first and
  // last character depends on its neighbours is left out.
  for (let before = 0; before < 3; before++) {
    const padded = Buffer.concat([Buffer.alloc(before), raw])
    const stable = Math.floor((padded.length * 8) / 6)
    const text = padded.toString('base64').slice(Math.ceil((before * 8) / 6), stable)
    add('base64', Buffer.from(text))
    add('base64url', Buffer.from(text.replaceAll('+', '-').replaceAll('/', '_')))
  }
  add('hex', Buffer.from(raw.toString('hex')))
  add('hex', Buffer.from(raw.toString('hex').toUpperCase()))
  const text = raw.toString('utf8')
  if (Buffer.from(text).equals(raw)) {
    for (const percent of [
      encodeURIComponent(text),
      new URLSearchParams({ '': text }).toString().slice(1),
    ]) {
      add('percent-encoded', Buffer.from(percent))
      const lower = percent.replace(/%../g, (escape) => escape.toLowerCase())
      add('percent-encoded', Buffer.from(lower))
    }
    for (const [quot, apos] of [
      ['&quot;', '&#39;'],
      ['&quot;', '&#x27;'],
      ['&#34;', '&#39;'],
      ['&quot;', '&apos;'],
      ['&quot;', "'"],
    ] as const) {
      const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
      add('HTML-escaped', Buffer.from(escaped.replaceAll('"', quot).replaceAll("'", apos)))
    }
  }
  return [...found.values()]
}
