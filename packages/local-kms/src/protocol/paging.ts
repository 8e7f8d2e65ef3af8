import { AwsError } from '../errors.js'

const MARKER = 'after '

/**
 * Returns one page of a list, sorted by id. A marker contains the id of the last item of the page
 * before, so that deletions between two calls skip no item.
 *
 * @param error the name and message of the service's error for an invalid marker
 * @throws AwsError for an invalid marker
 */
export function pageOf<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  { limit, marker, error }: { limit: number; marker: string | undefined; error: [string, string] },
): { page: T[]; next?: string } {
  const last = marker === undefined ? '' : readMarker(marker, error)
  const rest = items
    .filter((item) => idOf(item) > last)
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  const page = rest.slice(0, limit)
  if (page.length === rest.length) return { page }
  const next = Buffer.from(`${MARKER}${idOf(page.at(-1) as T)}`).toString('base64')
  return { page, next }
}

function readMarker(marker: string, [type, message]: [string, string]): string {
  const text = Buffer.from(marker, 'base64').toString()
  if (text.startsWith(MARKER)) return text.slice(MARKER.length)
  throw new AwsError(type, message)
}
