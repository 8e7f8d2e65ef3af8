/** A request of Lambda's REST API, or a download of code. */
export interface RestRoute {
  service: 'lambda' | 's3'
  operation: string
  input: Record<string, string>
}

const FUNCTION = String.raw`/2015-03-31/functions/(?<FunctionName>[^/]+)`
const ROUTES: [path: string, operation: string][] = [
  ['/2015-03-31/functions/?', 'ListFunctions'],
  [FUNCTION, 'GetFunction'],
  [`${FUNCTION}/configuration`, 'GetFunctionConfiguration'],
  [`${FUNCTION}/versions`, 'ListVersionsByFunction'],
  [`${FUNCTION}/aliases`, 'ListAliases'],
  [`${FUNCTION}/aliases/(?<Name>[^/]+)`, 'GetAlias'],
  ['/2017-03-31/tags/(?<Resource>[^/]+)', 'ListTags'],
  ['/2018-10-31/layers/(?<LayerName>[^/]+)/versions/(?<VersionNumber>[^/]+)', 'GetLayerVersion'],
  ['/2018-10-31/layers', 'GetLayerVersionByArn'],
]

/** Finds the operation of a GET request by its path. Path and query become the input. */
export function routeRest(target: string, range: string | undefined): RestRoute | undefined {
  const [path = '', search = ''] = target.split('?', 2)
  const query = Object.fromEntries(new URLSearchParams(search))
  if (path.startsWith('/snapshots/')) {
    const input = { ...query, path, ...(range !== undefined && { range }) }
    return { service: 's3', operation: 'GetObject', input }
  }
  for (const [pattern, operation] of ROUTES) {
    const match = new RegExp(`^${pattern}$`).exec(path)
    if (match === null) continue
    const named = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decode(value)])
    const { find: _, ...input } = { ...query, ...Object.fromEntries(named) }
    return { service: 'lambda', operation, input }
  }
  return undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
