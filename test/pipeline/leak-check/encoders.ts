import { Buffer } from 'node:buffer'
import querystring from 'node:querystring'
import { inspect } from 'node:util'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import * as cheerio from 'cheerio'
import cssesc from 'cssesc'
import * as devalue from 'devalue'
import * as entities from 'entities'
import { buildSync, transformSync } from 'esbuild'
import escapeHtml from 'escape-html'
import { XMLBuilder } from 'fast-xml-parser'
import * as fflate from 'fflate'
import Handlebars from 'handlebars'
import he from 'he'
import * as htmlEntities from 'html-entities'
import ini from 'ini'
import * as jsYaml from 'js-yaml'
import jsesc from 'jsesc'
import JSON5 from 'json5'
import svgToTinyDataUri from 'mini-svg-data-uri'
import Mustache from 'mustache'
import Papa from 'papaparse'
import * as parse5 from 'parse5'
import qs from 'qs'
import serializeJavascript from 'serialize-javascript'
import { quote } from 'shell-quote'
import * as toml from 'smol-toml'
import YAML from 'yaml'

/** Returns an output that contains the value. */
export type Encoder = (value: string) => string | Uint8Array

const json = (value: unknown) => JSON.stringify(value)
const base64 = (data: string | Uint8Array) => Buffer.from(data as string).toString('base64')
const inDataUrl = (type: string, data: string | Uint8Array) =>
  `//# sourceMappingURL=data:${type};base64,${base64(data)}`
const svg = (value: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg"><title>${escapeHtml(value)}</title></svg>`

function domText(value: string): parse5.DefaultTreeAdapterTypes.DocumentFragment {
  const fragment = parse5.parseFragment('<p title=""></p>')
  const [paragraph] = fragment.childNodes as parse5.DefaultTreeAdapterTypes.Element[]
  paragraph!.attrs[0]!.value = value
  parse5.defaultTreeAdapter.insertText(paragraph!, value)
  return fragment
}

/** What esbuild prints of `export default "…"`, whatever the value. */
const esbuilt = (value: string, options: Parameters<typeof transformSync>[1]) =>
  transformSync(`export default ${json(value)}`, options).code

/** esbuild's loader `dataurl`, for a file of which the value is the content. */
const asDataUrl = (value: string) =>
  buildSync({
    stdin: { contents: value, loader: 'dataurl' },
    bundle: true,
    format: 'esm',
    write: false,
  }).outputFiles[0]!.contents

const href = (value: string) => {
  const url = new URL('postgres://app@db.example/orders')
  url.password = value
  return url.href
}

const halves = (value: string) => {
  const middle = Math.ceil([...value].length / 2)
  const characters = [...value]
  return [characters.slice(0, middle).join(''), characters.slice(middle).join('')] as const
}

export const ENCODERS: Record<string, Encoder> = {
  'JSON.stringify': json,
  'JSON.stringify, three times': (value) => json(json(json({ value }))),
  'JSON.stringify, indented': (value) => JSON.stringify({ a: { value } }, null, 2),
  encodeURIComponent,
  encodeURI,
  'encodeURIComponent, twice': (value) => encodeURIComponent(encodeURIComponent(value)),
  escape,
  'new URL().href': href,
  URLSearchParams: (value) => new URLSearchParams({ value }).toString(),
  'querystring.escape': (value) => querystring.escape(value),
  'qs.stringify': (value) => qs.stringify({ a: { value } }),
  'qs.stringify, RFC 1738': (value) => qs.stringify({ value }, { format: 'RFC1738' }),
  'he.escape': (value) => he.escape(value),
  'he.encode': (value) => he.encode(value),
  'he.encode, named references': (value) => he.encode(value, { useNamedReferences: true }),
  'he.encode, everything, decimal': (value) =>
    he.encode(value, { encodeEverything: true, decimal: true }),
  handlebars: (value) => Handlebars.compile('<p>{{value}}</p>')({ value }),
  mustache: (value) => Mustache.render('<p>{{value}}</p>', { value }),
  parse5: (value) => parse5.serialize(domText(value)),
  'cheerio, attribute': (value) => cheerio.load('<a></a>')('a').attr('title', value).toString(),
  'cheerio, text': (value) => cheerio.load('<a></a>')('a').text(value).toString(),
  'entities.encodeHTML': (value) => entities.encodeHTML(value),
  'entities.encodeXML': (value) => entities.encodeXML(value),
  'html-entities': (value) => htmlEntities.encode(value, { mode: 'extensive' }),
  'escape-html, inside JSON': (value) => json(escapeHtml(value)),
  'js-yaml': (value) => jsYaml.dump({ spec: { value } }),
  'js-yaml, double quotes': (value) =>
    jsYaml.dump([value], { forceQuotes: true, quotingType: '"' } as object),
  yaml: (value) => YAML.stringify({ spec: { env: [{ value }] } }),
  'yaml, double quotes': (value) =>
    YAML.stringify({ value }, { defaultStringType: 'QUOTE_DOUBLE' }),
  'yaml, single quotes': (value) =>
    YAML.stringify({ value }, { defaultStringType: 'QUOTE_SINGLE' }),
  'smol-toml': (value) => toml.stringify({ a: { value } }),
  ini: (value) => ini.stringify({ value }),
  json5: (value) => JSON5.stringify({ value }),
  'fast-xml-parser': (value) => new XMLBuilder({}).build({ value }) as string,
  papaparse: (value) => Papa.unparse([['a', value, 'b']]),
  'shell-quote': (value) => quote(['export', `VALUE=${value}`]),
  jsesc: (value) => jsesc(value, { quotes: 'double', wrap: true }),
  'jsesc, everything': (value) => jsesc(value, { escapeEverything: true }),
  'jsesc, ES6, lowercase': (value) => jsesc(value, { es6: true, lowercaseHex: true }),
  'serialize-javascript': (value) => serializeJavascript({ value }),
  'devalue.uneval': (value) => devalue.uneval({ value, again: new Map([[value, 1]]) }),
  'devalue.stringify': (value) => devalue.stringify({ value }),
  cssesc: (value) => `a { content: ${cssesc(value, { quotes: 'double', wrap: true })} }`,
  'cssesc, everything': (value) => `.${cssesc(value, { escapeEverything: true })}{}`,
  'util.inspect': (value) =>
    inspect({ value }, { maxStringLength: Infinity, breakLength: Infinity }),
  'esbuild, ASCII': (value) => esbuilt(value, { charset: 'ascii' }),
  'esbuild, minified': (value) => esbuilt(value, { minify: true, charset: 'utf8' }),
  'esbuild, dataurl': asDataUrl,
  'mini-svg-data-uri': (value) => `url("${svgToTinyDataUri(svg(value))}")`,
  'mini-svg-data-uri, srcset': (value) => json(svgToTinyDataUri.toSrcset(svg(value))),
  'SVG in base64': (value) => `url(data:image/svg+xml;base64,${base64(svg(value))})`,
  'a sum': (value) =>
    halves(value)
      .map((half) => json(half))
      .join(' + /* and */\n'),
  'a template': (value) => {
    const [first, second] = halves(value).map((half) =>
      half.replace(/[\\`]|\$(?=\{)/g, '\\$&').replaceAll('\r', '\\r'),
    )
    return `\`${first}\${\`${second}\`\n\t}\``
  },
  'a sum inside eval': (value) =>
    `eval(${json(
      halves(value)
        .map((half) => json(half))
        .join('+'),
    )})`,
  base64: (value) => json(base64(value)),
  base64url: (value) => `x.${Buffer.from(`{"p":${json(value)}}`).toString('base64url')}.y`,
  'base64, over lines': (value) =>
    base64(`${'header '.repeat(12)}${value}`).replace(/.{64}/g, '$&\r\n'),
  'base64 in base64': (value) => base64(`Basic ${base64(`user:${value}`)}`),
  'a map in a data URL': (value) =>
    inDataUrl('application/json', json({ sourcesContent: [`f(${json(value)})`] })),
  hex: (value) => `"${Buffer.from(value).toString('hex')}"`,
  'hex, capital letters': (value) => `X'${Buffer.from(value).toString('hex').toUpperCase()}'`,
  'JSON of a Buffer': (value) => json(Buffer.from(value)),
  'String.fromCharCode': (value) =>
    `String.fromCharCode(${Array.from({ length: value.length }, (_, at) => value.charCodeAt(at)).join(', ')})`,
  'a Uint8Array': (value) =>
    `new Uint8Array([${[...Buffer.from(value)].map((byte) => `0x${byte.toString(16)}`).join(',')}])`,
  'UTF-16': (value) => Buffer.from(`\ufeff<p>${value}</p>`, 'utf16le'),
  'UTF-16, big-endian, base64': (value) => base64(Buffer.from(value, 'utf16le').swap16()),
  gzip: (value) => gzipSync(`f(${json(value)})`),
  'gzip in a data URL': (value) => inDataUrl('application/gzip', gzipSync(json(value))),
  'deflate in base64': (value) => json(base64(deflateSync(encodeURIComponent(value)))),
  'raw deflate in base64': (value) => json(base64(deflateRawSync(`value ${value}`))),
  'Brotli in base64': (value) => json(base64(brotliCompressSync(`the value is ${value}`))),
  'fflate, gzip': (value) => fflate.gzipSync(Buffer.from(value)),
  'fflate, zlib': (value) => fflate.zlibSync(Buffer.from(value)),
  'fflate, zip': (value) => fflate.zipSync({ 'a.txt': Buffer.from(value.repeat(3)) }),
}

/** Values that encoders change, or that look as if they were encoded. */
export const VALUES: Record<string, string> = {
  letters: 'correcthorsebattery',
  punctuation: `p$a&s+s,w/o=r?d#1@2!`,
  'HTML characters': `<b>"p&ss'w=rd"</b>`,
  quotes: `it's "quoted" \`thrice\``,
  backslashes: String.raw`C:\new\x41\pass\u0041`,
  'a percent sign': '100%25 off %zz 50%',
  'a character reference': 'R&amp;D &#x41; &copy',
  'spaces and tabs': 'correct horse\tbattery  staple',
  'line breaks': 'first line\nsecond line\n\nlast line',
  'Windows line breaks': 'first line\r\nsecond line\r\nlast line',
  'a trailing line break': 'correct-horse-battery\n',
  umlauts: 'übergrößenträger-straße',
  'a currency sign': 'geheim-€uro-schlüssel',
  Japanese: '秘密の鍵は安全です',
  emoji: 'pass😀word👩‍💻key',
  'base64 characters': 'aGVsbG8+d29ybGQ/Zm9v==',
  'a template hole': 'a${b}c`d${e}f-key',
  'a sum': `abc" + "def" + 'ghi`,
  'a closing tag': 'x</script><!--y-->z',
  braces: '{{mustache}} {%liquid%}',
  'a replacement pattern': "$&$1$$$'-secret",
  'an AWS key': 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  JSON: '{"user":"app","password":"tr0ub4dor&3"}',
  'a URL': 'postgres://app:p%40ss%2Fw0rd@db.example/orders?sslmode=require',
  digits: '86753098675309',
  'a long text':
    'the quick brown fox jumps over the lazy dog and runs away from it, as far as it can get today',
}
