import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SCHEMA } from '../../src/secrets/init.js'
import { project, secretsFile } from '../support/project.js'

interface Schema {
  $id?: string
  required?: string[]
  pattern?: string
  properties?: Record<string, Schema>
  propertyNames?: Schema
  additionalProperties?: Schema
  items?: Schema
}

/** Checks the part of JSON Schema that this schema uses, and that it names every field. */
function check(schema: Schema, value: unknown, path = '$'): void {
  if (typeof value === 'string' && schema.pattern)
    expect(value, path).toMatch(new RegExp(schema.pattern))
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value))
    return value.forEach((item, at) => check(schema.items!, item, `${path}[${at}]`))
  expect(Object.keys(value), path).toEqual(expect.arrayContaining(schema.required ?? []))
  for (const [name, member] of Object.entries(value)) {
    if (schema.propertyNames) expect(name).toMatch(new RegExp(schema.propertyNames.pattern!))
    const own = schema.properties?.[name] ?? schema.additionalProperties
    expect(own, `${path}.${name} is not in the schema`).toBeDefined()
    check(own!, member, `${path}.${name}`)
  }
}

it('the published schema describes every field of a secrets file', async () => {
  const schema = JSON.parse(
    await readFile(new URL('../../kms-secrets.schema.json', import.meta.url), 'utf8'),
  ) as Schema
  expect(schema.$id).toBe(SCHEMA)
  const path = join(await project({}), 'kms-secrets.json')
  await secretsFile(path, { A: 'a value', B: 'another' })
  check(schema, JSON.parse(await readFile(path, 'utf8')))
})
