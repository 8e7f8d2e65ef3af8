import { BROWSER } from './document.js'

/** The bundled module, see `browser/pin-words.ts`. */
interface PinWords {
  pinWords(pin: string): string[]
}

/** Returns the words of a pin, as the page shows them. */
export async function pinWords(pin: string): Promise<string[]> {
  const script = (await import(`${BROWSER}pin-words.js`)) as PinWords
  return script.pinWords(pin)
}
