import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readDotenv, type DotenvFile } from '../../src/util/dotenv.js'
import { DIFFICULT, isText } from '../support/difficult-values.js'
import { project } from '../support/project.js'

async function read(text: string | Buffer): Promise<DotenvFile> {
  return readDotenv(join(await project({ '.env': text }), '.env'))
}

/** Without quotes, dotenv drops blanks around a value, quotes that enclose it, and a comment. */
const bare = (value: string) =>
  value
    .replace(/\n+$/, '')
    .replace(/[ \t]#.*$/, '')
    .replace(/^[ \t]+|[ \t]+$/g, '')
    .replace(/^(['"])(.*)\1$/, '$2')

describe('readDotenv reads a difficult value unchanged or rejects it', () => {
  it.each([
    ['without quotes', (value: string) => value, bare, 19],
    ['in single quotes', (value: string) => `'${value}'`, String, 30],
    ['in double quotes', (value: string) => `"${value}"`, String, 25],
    ['in double quotes with escapes', (value: string) => JSON.stringify(value), String, 25],
    ['in backticks', (value: string) => `\`${value}\``, String, 25],
  ])('%s', async (_, quoted, meant, atLeast) => {
    const accepted: string[] = []
    for (const [name, value] of Object.entries(DIFFICULT)) {
      if (!isText(value) || !value.isWellFormed()) continue
      const { values, ambiguous, empty } = await read(`A=1\nVALUE=${quoted(value)}\nB=2\n`)
      expect([values.get('A'), values.get('B')], name).toEqual(['1', '2'])
      if (values.has('VALUE')) {
        expect([meant(value), bare(value)], name).toContain(values.get('VALUE'))
        if (meant === String && !/\\/.test(value)) expect(values.get('VALUE'), name).toBe(value)
        accepted.push(name)
      } else
        expect([ambiguous.get('VALUE')?.code, ...empty], name).toContain(
          ambiguous.has('VALUE') ? 'DOTENV_AMBIGUOUS' : 'VALUE',
        )
    }
    expect(accepted.length, accepted.join()).toBeGreaterThanOrEqual(atLeast)
  })
})

describe('readDotenv rejects', () => {
  it.each([
    ["P=it's#horse1", 'is cut at its "#"'],
    ['P=p"w#x', 'is cut at its "#"'],
    ['P=correct horse#x', 'is cut at its "#"'],
    ['P: a#b', 'is cut at its "#"'],
    ['P=#horse', 'is cut at its "#"'],
    [`P='a'#b`, 'is cut at its "#"'],
    [`P='a' and 'b'`, 'begins with a quote'],
    ['P="a', 'begins with a quote'],
    ['P="C:\\\\dir"', 'has a backslash escape'],
    ['P=-----BEGIN X-----\nabcd\n-----END X-----', 'continues on the next line'],
    ['P=-----BEGIN X-----\nabcd=\n-----END X-----', 'continues on the next line'],
    ['P="a\r\nb"\nQ=1', 'has line breaks of several kinds'],
    ['P=a\rb', 'has a value that tools read differently'],
  ])('%j', async (text, reason) => {
    const { values, ambiguous } = await read(`${text}\n`)
    expect(values.has('P')).toBe(false)
    expect(ambiguous.get('P')?.message).toContain(`P in `)
    expect(ambiguous.get('P')?.message).toContain(reason)
    expect(ambiguous.get('P')?.message).not.toMatch(/horse|abcd/)
  })

  it.each([
    ['UTF-16', Buffer.from('\ufeffP=value\n', 'utf16le'), 'UTF-16'],
    ['UTF-16 without a byte order mark', Buffer.from('P=value\n', 'utf16le'), 'UTF-16'],
    ['bytes that are not UTF-8', Buffer.from('503dff0a', 'hex'), 'not UTF-8'],
  ])('a file of %s', async (_, bytes, reason) => {
    await expect(read(bytes)).rejects.toThrow(reason)
  })
})

describe('readDotenv accepts', () => {
  it.each([
    ['P=a # comment', 'a'],
    ['export P=a', 'a'],
    ['P = a', 'a'],
    ['P: a', 'a'],
    ["P='a#b' # comment", 'a#b'],
    ['P=Xk9$ecret42!planted', 'Xk9$ecret42!planted'],
    ['P="a\\nb"', 'a\nb'],
    ['\ufeffP=a', 'a'],
    ['# comment\n\nP=a\r\n', 'a'],
    ['P="a\r\nb"\r\nQ=1', 'a\nb'],
  ])('%j', async (text, value) => {
    const { values, warnings } = await read(`${text}`)
    expect([values.get('P'), warnings]).toEqual([value, []])
  })
})

it('readDotenv warns about lines that it skips, and names with two values', async () => {
  const { warnings, values } = await read('P=a\nP=b\n\nnot an assignment\nQ=c\nQ=c\n')
  expect(warnings).toEqual([
    expect.stringMatching(/^P occurs 2 times in .*: only the last value is used\.$/),
    expect.stringMatching(/\.env:4: not of the form NAME=value, and left out\.$/),
  ])
  expect([...values]).toEqual([
    ['P', 'b'],
    ['Q', 'c'],
  ])
})
