/** Members that AWS added after the recordings were made. */
const NEWER = new Set(['CurrentKeyMaterialId', 'KeyMaterialId'])
/** Not part of the comparison: boto3 adds `message` for modeled errors only. */
const IGNORED = new Set(['HTTPHeaders', 'message', 'Message'])

/** Returns one line per difference between a recorded answer and an answer. */
export function differences(recorded, answer, path) {
  if (recorded !== null && typeof recorded === 'object' && typeof answer === 'string') {
    return differences(recorded, parsed(answer), path)
  }
  if (Array.isArray(recorded)) {
    if (!Array.isArray(answer)) return [`${path}: AWS has a list, here it is ${show(answer)}`]
    const lengths =
      recorded.length === answer.length
        ? []
        : [`${path}: AWS has ${recorded.length} items, here there are ${answer.length}`]
    return [
      ...lengths,
      ...recorded.flatMap((item, i) => differences(item, answer[i], `${path}[${i}]`)),
    ]
  }
  if (recorded !== null && typeof recorded === 'object') return ofObjects(recorded, answer, path)
  if (matches(recorded, answer)) return []
  return [`${path}: AWS answers ${show(recorded)}, here it is ${show(answer)}`]
}

function ofObjects(recorded, answer, path) {
  if (answer === null || typeof answer !== 'object') {
    return [`${path}: AWS has members, here it is ${show(answer)}`]
  }
  const names = Object.keys(recorded).filter((name) => !isIgnored(name, recorded))
  const placeholders = names.some((name) => name.startsWith('<'))
  const missing = names.filter((name) => !name.startsWith('<') && !(name in answer))
  const more = Object.keys(answer).filter(
    (name) => !(name in recorded) && !NEWER.has(name) && !isIgnored(name, answer) && !placeholders,
  )
  return [
    ...missing.map((name) => `${path}.${name}: missing here`),
    ...more
      .filter((name) => name !== 'ResponseMetadata')
      .map((name) => `${path}.${name}: not in the answer of AWS`),
    ...names
      .filter((name) => name in answer)
      .flatMap((name) => differences(recorded[name], answer[name], `${path}.${name}`)),
  ]
}

const isIgnored = (name, object) =>
  IGNORED.has(name) && !('Code' in object && 'Message' in object && name === 'Message')

/** Compares a value with a recorded one, in which `<name:1>` matches any string. */
function matches(recorded, answer) {
  if (typeof recorded !== 'string') return recorded === answer
  if (/^(?:<?datetime>?|[a-z-]*(?:blob|plaintext|public-key))$/.test(recorded)) {
    return answer !== undefined
  }
  const source = recorded
    .split(/<[^<>]+>/)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  if (source.length === 1 && isEnumList(recorded, answer)) return true
  return typeof answer === 'string' && new RegExp(`^${source.join('.*')}$`, 's').test(answer)
}

/** The order and the number of the values in such messages change with each release of AWS. */
const isEnumList = (recorded, answer) => {
  const start = recorded.split('enum value set: [')[0]
  return start !== recorded && typeof answer === 'string' && answer.startsWith(start)
}

const show = (value) => JSON.stringify(value) ?? 'missing'

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
