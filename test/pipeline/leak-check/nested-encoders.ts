import { Buffer } from 'node:buffer'
import { serialize } from 'node:v8'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { transformSync } from 'esbuild'
import type { Encoder } from './encoders.js'

const json = (value: unknown) => JSON.stringify(value)
const base64 = (data: string | Uint8Array) => Buffer.from(data as string).toString('base64')
const hex = (value: string) => Buffer.from(value).toString('hex')

/** Each byte, written in a way. */
const bytes = (value: string, write: (byte: number) => string) =>
  [...Buffer.from(value)].map(write).join('')
const octal = (number: number, digits = 3) => number.toString(8).padStart(digits, '0')

/** RFC 2045, 6.7, with soft line breaks. */
const quotedPrintable = (value: string) =>
  bytes(value, (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x3d
      ? String.fromCharCode(byte)
      : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).replace(/(?:=..|[^=]){16}(?!$)/g, '$&=\r\n')

const compressedFont = (value: string) => base64(gzipSync(json({ fonts: [{ note: value }] })))

const wrapped = (text: string, width: number, end: string) =>
  (text.match(new RegExp(`.{1,${width}}`, 'gs')) ?? []).join(end)

/** Encoders inside encoders, and those of languages and formats that end up in a bundle as a file. */
export const NESTED_ENCODERS: Record<string, Encoder> = {
  'gzip of JSON in a data URL in a CSS string in JavaScript': (value) =>
    `style.textContent = ${json(`a{src:url("data:font/woff;base64,${compressedFont(value)}")}`)}`,
  'gzip in base64 after other base64': (value) => `"AAAA${base64(gzipSync(json([value])))}"`,
  'base64 after one letter': (value) => `"k${base64(value)}"`,
  'base64 after two letters': (value) => `"${json(`v_${base64(value)}`)}"`,
  'base64 after three letters': (value) => `_id${base64(`${value}.`)}==`,
  'hexadecimal digits after one': (value) => `"f${hex(value)}0"`,
  'base32 after three letters': (value) => `"KEY${base32(`${value}..`)}"`,
  'gzip after another header': (value) =>
    Buffer.concat([Buffer.from('HEADER v1 '), gzipSync(json({ value }))]),
  'deflate in hexadecimal digits in a template': (value) =>
    `\`${deflateSync(json({ value })).toString('hex')}\``,
  'Brotli in base64url in JSON in a map': (value) =>
    json({
      sourcesContent: [`load("${Buffer.from(brotliCompressSync(value)).toString('base64url')}")`],
    }),
  'base64 in percent-encoded JSON in HTML': (value) =>
    `<a data-x="${encodeURIComponent(json({ k: base64(`k:${value}`) })).replaceAll('%22', '&quot;')}">`,
  'HTML in a template in a JSON member in base64': (value) =>
    base64(
      json({ html: `<b>${value.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)}</b>` }),
    ),
  'quoted-printable': quotedPrintable,
  'quoted-printable in JSON': (value) => json({ mail: `=3D\r\n${quotedPrintable(value)}` }),
  'code points in braces': (value) =>
    `"${Array.from(value, (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`).join('')}"`,
  'octal escapes': (value) => `'${bytes(value, (byte) => `\\${octal(byte)}`)}'`,
  'octal escapes in JSON': (value) => json(`${bytes(value, (byte) => `\\${octal(byte)}`)}`),
  'hexadecimal escapes of bytes': (value) =>
    `"${bytes(value, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`)}"`,
  'hexadecimal escapes in braces': (value) =>
    `"${bytes(value, (byte) => `\\x{${byte.toString(16)}}`)}"`,
  'a joined array of pieces': (value) =>
    `[${(value.match(/.{1,3}/gsu) ?? []).map((piece) => json(piece)).join(', ')}].join('')`,
  'an array of characters': (value) => json([...value]),
  'the characters of an object': (value) =>
    json(Object.fromEntries(Array.from({ length: value.length }, (_, at) => [at, value[at]]))),
  'JSON of a Uint8Array': (value) => json(new Uint8Array(Buffer.from(value))),
  'a concat of pieces': (value) =>
    `"".concat(${(value.match(/.{1,5}/gsu) ?? []).map((piece) => json(piece)).join(',')})`,
  'a sum of pieces in brackets, with comments': (value) =>
    (value.match(/.{1,4}/gsu) ?? []).map((piece) => `(${json(piece)} /* " */)`).join('\n  + '),
  'octal and binary numbers': (value) =>
    `[${bytes(value, (byte) => `${byte % 2 ? `0o${octal(byte, 1)}` : `0b${byte.toString(2)}`},`)}]`,
  'an Int8Array': (value) => `new Int8Array([${new Int8Array(Buffer.from(value)).join(',')}])`,
  'CDATA of XML': (value) => `<a><![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]></a>`,
  'a form': (value) => new URLSearchParams({ a: '1', value, z: '2' }).toString(),
  'a form in a JSON string in HTML': (value) =>
    `<i x="${json({ f: new URLSearchParams({ value }).toString() }).replaceAll('"', '&quot;')}">`,
  'hexadecimal digits with colons': (value) => hex(value).replace(/..(?=.)/g, '$&:'),
  'hexadecimal digits with spaces, capital letters': (value) =>
    `<Buffer ${hex(value)
      .toUpperCase()
      .replace(/..(?=.)/g, '$& ')}>`,
  'hexadecimal digits over lines': (value) => wrapped(hex(`${value}${value}`), 48, '\n'),
  'base64 over short lines': (value) => wrapped(base64(`${value}${value}`), 20, '\r\n'),
  'base64 over lines of a comment': (value) =>
    ` * ${wrapped(base64(`${'- '.repeat(30)}${value}`), 64, '\n * ')}`,
  'base64 over lines of a sum': (value) => `"${wrapped(base64(`a:${value}`), 16, '" +\n  "')}"`,
  'base64 over lines of JSON': (value) => json(wrapped(base64(`${value} and more`), 76, '\r\n')),
  'Basic authentication': (value) => `Authorization: Basic ${base64(`deploy:${value}`)}`,
  'Basic authentication in an .npmrc in base64': (value) =>
    base64(`//registry.example/:_auth=${base64(`u:${value}`)}\n`),
  'the other normal form': (value) =>
    json(value.normalize('NFC') === value ? value.normalize('NFD') : value.normalize('NFC')),
  'the other normal form, percent-encoded': (value) => encodeURIComponent(value.normalize('NFD')),
  'UTF-8 read as Latin-1': (value) => json(Buffer.from(value).toString('latin1')),
  'UTF-8 read as Latin-1, escaped': (value) =>
    transformSync(`x(${json(Buffer.from(value).toString('latin1'))})`, { charset: 'ascii' }).code,
  'printf, with doubled percent signs': (value) => `printf "${value.replaceAll('%', '%%')}"`,
  'HTML without semicolons': (value) =>
    `<i title="${value.replaceAll('&', '&amp').replaceAll('<', '&lt').replaceAll('"', '&quot')}">`,
  'JSON of JSON in UTF-16': (value) => Buffer.from(`\ufeff${json(json({ value }))}`, 'utf16le'),
  'UTF-16 between other bytes': (value) =>
    Buffer.concat([
      Buffer.alloc(5001, 0xab),
      Buffer.from(value, 'utf16le'),
      Buffer.alloc(5000, 0xab),
    ]),
  'v8.serialize': (value) => serialize({ value }),
  'v8.serialize in base64': (value) => base64(serialize([value])),
  base32: (value) => base32(value),
}

function base32(value: string): string {
  const bits = bytes(value, (byte) => byte.toString(2).padStart(8, '0'))
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(group.padEnd(5, '0'), 2)]!)
    .join('')
}
