import fc from 'fast-check'
import { expect, it } from 'vitest'
import { collect } from '../../../src/pipeline/collect/collect.js'

/** Ways to nest expressions; `_` is the place of the inner one. */
const AROUND = [
  '[_, _]',
  '({ a: _, [_]: 1, ..._ })',
  'f(_, ...g(_))',
  '(a => _)',
  '(async function ({ a = _ } = {}) { return await _ })',
  '(class { #a = _; static { use(_) } @Env(_) m(@Env(_) a) {} get [_]() { return 1 } })',
  '(_ as string)',
  '(_)!',
  '`a${_}b${_}`',
  'tag`${_}`',
  '(x ? _ : _)',
  '(y ?? _)',
  'new A(_)',
  '(y = _)',
  '(() => { for (const a of [_]) if (_) throw _; else label: while (_) switch (_) { case _: } })',
  '(() => { try { using a = _ } catch { ({ a } = _) } finally { var b = _ } })',
  // What is called secret here is another.
  '((secret) => [secret("shadowed"), _])',
]

const marks = fc.constantFrom('secret(<>)', 'secret.env(<>)', 'secret(<>).then(f)')
const expression = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    marks,
    fc
      .constantFrom(...AROUND)
      .chain((around) =>
        fc
          .array(tie('node'), { minLength: 10, maxLength: 10 })
          .map((inner) => around.replace(/_/g, () => inner.pop() ?? '0')),
      ),
  ),
})).node

it('finds exactly the marks, in the order of the source, in nested expressions', () => {
  fc.assert(
    fc.property(expression, fc.boolean(), (nested, escapes) => {
      const names: string[] = []
      const body = nested.replace(/<>/g, () => `'${names[names.push(`n${names.length}`) - 1]}'`)
      const unshadowed = shadows(body)
      // With an escape anywhere every node is looked at, and the same must be found.
      const code = `import { secret } from 'unplugin-kms/secret'\n${escapes ? String.raw`'\u0061'` : ''}\nasync () => { y = ${body} }`
      const found = collect(code, 'a.ts')?.marks.map(({ argument }) => argument) ?? []
      expect(found).toEqual(names.filter((name) => unshadowed.has(name)))
    }),
    { numRuns: 300 },
  )
})

/** Returns the names of the marks that are not in a function with a parameter called secret. */
function shadows(body: string): Set<string> {
  const depths: number[] = []
  const names = new Set<string>()
  let depth = 0
  for (const [token] of body.matchAll(/\(\(secret\) => |[([{]|[)\]}]|'n\d+'/g)) {
    if (token.startsWith('((')) depths.push((depth += 1))
    else if (/^[([{]$/.test(token)) depth++
    else if (/^[)\]}]$/.test(token)) {
      if (depths.at(-1) === depth) depths.pop()
      depth--
    } else if (!depths.length) names.add(token.slice(1, -1))
  }
  return names
}
