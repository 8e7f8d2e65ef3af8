import { createRequire } from 'node:module'

interface Yaml {
  load(text: string, options: { schema: unknown }): unknown
  DEFAULT_SCHEMA: { extend(types: unknown[]): unknown }
  Type: new (tag: string, options: { kind: 'scalar'; construct(value: string): unknown }) => unknown
}
const yaml = createRequire(import.meta.url)('js-yaml') as Yaml

export interface Template {
  Parameters: Record<string, { Default: string }>
  Resources: Record<string, { Type: string; Properties: Record<string, never> }>
}

/** A template as CloudFormation reads it, with these values for `!Ref`, `!GetAtt` and `!Sub`. */
export function readTemplate(text: string, values: Record<string, string>): Template {
  const value = (name: string): string => {
    const known = values[name]
    if (known === undefined) throw new Error(`the template refers to ${name}`)
    return known
  }
  const type = (tag: string, construct: (text: string) => unknown) =>
    new yaml.Type(tag, { kind: 'scalar', construct })
  const schema = yaml.DEFAULT_SCHEMA.extend([
    type('!Ref', value),
    type('!GetAtt', value),
    type('!Sub', (text) => text.replace(/\$\{([^}]+)\}/g, (_, name: string) => value(name))),
  ])
  return yaml.load(text, { schema }) as Template
}
