import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect } from '../../../src/pipeline/collect/collect.js'
import { plaintextLiterals } from '../../../src/pipeline/collect/literals.js'
import { filesBelow } from '../../../src/util/walk.js'
import {
  bench,
  buildIn,
  expectClean,
  fixtures,
  prepare,
  printed,
  type Bench,
  type Built,
  type Expectation,
} from '../fixture.js'
import { shareOf } from '../../support/combinations.js'
import { ABSENT, HOSTS, type HostName } from '../hosts.js'

const TOKEN = /kms:v1:[\w-]+/g
const SOURCE = /\.[cm]?[jt]sx?$/

/**
 * Builds each folder of `fixtures/adversarial` twice under one bundler, with modules transformed and with
 * the marker resolved for each of them, and compares the results.
 */
export async function compareWays(host: HostName) {
  const all = await fixtures('adversarial')

  describe(`under ${host}`, () => {
    let shared: Bench
    beforeAll(async () => {
      process.env.UNPLUGIN_KMS_SEED = Buffer.alloc(32, 9).toString('base64')
      shared = await bench()
    })
    afterAll(async () => {
      delete process.env.UNPLUGIN_KMS_SEED
      await shared.close()
    })

    const hosts = Object.keys(HOSTS)
    for (const fixture of shareOf(all, hosts.indexOf(host), hosts.length)) {
      const { expected, name } = fixture
      if (process.env.FIXTURE && !name.includes(process.env.FIXTURE)) continue
      const why = ABSENT[host] ?? expected.except?.[host] ?? expected.oneWay
      it.skipIf(why)(`has the same result in both ways: ${name}`, async () => {
        const root = await prepare(shared, fixture)
        const variables = await replaceLiterals(join(root, 'src'))
        const env = { ...process.env, ...expected.env, ...variables }
        const format = expected.formats?.[0] ?? 'esm'
        const build = (options: object) =>
          buildIn(shared, root, fixture, host, {
            format,
            maps: 'file',
            minify: false,
            options: { env, ...options },
          })
        const transformed = await build({})
        const resolved = await build({ include: [] })
        expectClean(transformed, expected)
        expectClean(resolved, expected)
        if (expected.builds !== undefined) return
        const [one, other] = [transformed, resolved].map((built) => resultOf(built, expected))
        expect(other).toEqual(one)
        if (transformed.failed || expected.prints === undefined) return
        const extension = format === 'cjs' ? '.cjs' : '.mjs'
        for (const built of [transformed, resolved])
          expect(await printed(shared, built, expected, extension)).toEqual(expected.prints)
      })
    }
  })
}

/**
 * Returns what is the same in both ways: whether the build failed, whether it was the leak check that failed,
 * or else the tokens. A mark that may not be used as it is has another code in each way.
 */
function resultOf({ failed, terminal, files }: Built, { refused }: Expectation) {
  if (failed) {
    const isLeak = refused?.includes('|') ? 'either' : terminal.includes('[LEAK]')
    return { failed, isLeak, hasFiles: refused === '' ? 'either' : files.length > 0 }
  }
  const tokens = files
    .filter(([name]) => !/\.(?:json|map)$/.test(name))
    .flatMap(([, bytes]) => bytes.toString().match(TOKEN) ?? [])
  return { failed, tokens: [...new Set(tokens)].sort() }
}

/** Moves plaintext literals into variables, since a module that is not rewritten may have none. */
async function replaceLiterals(folder: string): Promise<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const path of await filesBelow(folder)) {
    if (!SOURCE.test(path)) continue
    const code = await readFile(path, 'utf8')
    let text = code
    for (const mark of literalsOf(code, path).toReversed()) {
      const name = `LITERAL_${Object.keys(variables).length}`
      variables[name] = mark.argument
      const head = code.slice(mark.start, mark.argumentStart).replace('(', '.env(')
      text = `${text.slice(0, mark.start)}${head}'${name}'${text.slice(mark.argumentEnd)}`
    }
    if (text !== code) await writeFile(path, text)
  }
  return variables
}

function literalsOf(code: string, path: string) {
  try {
    return plaintextLiterals(collect(code, path)?.marks)
  } catch {
    // What does not parse, or is rejected, is so in both ways.
    return []
  }
}
