import { nameProblem } from '../../secrets-file/names.js'
import type { Recipient } from '../recipient.js'
import { byId, enableCopying } from './dom.js'
import { pinWords } from './pin-words.js'
import { isPublicKeyOf, pinOf, sealToken, type PageSuite } from './seal-token.js'

const recipient = JSON.parse(byId('data').textContent) as Recipient
const publicKey = Uint8Array.from(atob(recipient.publicKey), (character) => character.charCodeAt(0))

const form = byId<HTMLFormElement>('form')
const nameInput = byId<HTMLInputElement>('name')
const valueInput = byId<HTMLTextAreaElement>('value')
const fileInput = byId<HTMLInputElement>('file')
const problem = byId('problem')
const status = byId('status')

const announce = (message: string) => void (status.textContent = message)

function report(message: string | undefined) {
  problem.hidden = message === undefined
  problem.textContent = message ?? ''
}

function reject(reason: string) {
  form.hidden = true
  report(`${reason} Do not use this page.`)
}

/** Shows the pin of the key that the page really seals to, and rejects a page that was changed. */
async function showRecipient(suite: PageSuite) {
  const pin = await pinOf(publicKey)
  if (pin !== recipient.pin)
    return reject('The public key of this page does not have the pin that it shows.')
  if (!isPublicKeyOf(suite, publicKey))
    return reject(`The public key of this page is not for ${suite.name}.`)
  byId('digits').textContent = pin
  byId('words').replaceChildren(
    ...pinWords(pin).map((word) => {
      const item = document.createElement('li')
      item.textContent = word
      return item
    }),
  )
}

async function valueOf(): Promise<Uint8Array> {
  const [file] = fileInput.files ?? []
  if (file && valueInput.value) throw new Error('Give a value or a file, not both.')
  const bytes = file
    ? new Uint8Array(await file.arrayBuffer())
    : new TextEncoder().encode(valueInput.value)
  if (!bytes.length) throw new Error('Enter a value, or choose a file that is not empty.')
  if (!file && !valueInput.value.isWellFormed())
    throw new Error('The value has a lone surrogate, which UTF-8 cannot represent. Give a file.')
  if (new TextDecoder().decode(bytes.slice(0, 5)) === 'kms:v')
    throw new Error('The value is sealed already: it begins with kms:v.')
  return bytes
}

async function sealInput(suite: PageSuite) {
  const name = nameInput.value
  const invalid = nameProblem(name)
  if (invalid) throw new Error(`This is not a valid name: ${invalid}`)
  const bytes = await valueOf()
  const token = await sealToken(suite, publicKey, name, bytes)
  bytes.fill(0)
  valueInput.value = ''
  fileInput.value = ''
  byId<HTMLTextAreaElement>('token').value = token
  byId<HTMLTextAreaElement>('line').value = `${JSON.stringify(name)}: ${JSON.stringify(token)}`
  byId('command').textContent = `npx unplugin-kms set ${shellWord(name)} --token …`
  byId('result').hidden = false
  byId('result-title').focus()
}

const shellWord = (text: string) =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** Starts the page: its form seals to the recipient by the given suite. */
export function startPage(suite: PageSuite): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    report(undefined)
    byId('result').hidden = true
    sealInput(suite).catch((error: Error) => report(error.message))
  })
  document.addEventListener('dragover', (event) => event.preventDefault())
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    if (event.dataTransfer?.files.length) fileInput.files = event.dataTransfer.files
  })
  enableCopying(announce)
  showRecipient(suite).catch((error: Error) => report(error.message))
}
